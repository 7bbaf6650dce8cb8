/** Three programs that unpack an archive: what we write is judged by readers that we did not write. */
import { mkdirSync } from 'node:fs';
import { runOrThrow } from '../program/run-program.ts';

/** PHP's PharData, as PILOS calls it. @throws Error with PHP's exception */
export async function unpackWithPhar(archive: string, directory: string): Promise<void> {
  const code = '(new PharData($argv[1]))->extractTo($argv[2], null, true);';
  // Its tables grow with the archive's size, by 240 MB at 4 GiB.
  const options = ['-d', 'memory_limit=1G', '-d', 'display_errors=stderr'];
  await unpack(directory, 'php', [...options, '-r', code, '--', archive, directory]);
}

async function unpackWithGnuTar(archive: string, directory: string): Promise<void> {
  // Files from before 1970 or after today are complained about, but unpacked.
  const options = ['--extract', '--no-same-owner', '--warning=no-timestamp'];
  await unpack(directory, 'tar', [...options, '--file', archive, '--directory', directory]);
}

async function unpackWithBsdtar(archive: string, directory: string): Promise<void> {
  await unpack(directory, 'bsdtar', ['-x', '-o', '-f', archive, '-C', directory]);
}

async function unpack(directory: string, command: string, args: string[]): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const { stderr } = await runOrThrow(command, args, { timeoutMilliseconds: 600_000 });
  // PHP's warnings and tar's complaints leave the exit status alone, but not the files.
  if (stderr !== '') throw new Error(`${command} complained: ${stderr}`);
}

/** All three, to try an archive on each: `it.each(unpackers)`. */
export const unpackers = [
  { reader: "PHP's PharData", unpack: unpackWithPhar },
  { reader: 'GNU tar', unpack: unpackWithGnuTar },
  { reader: 'bsdtar', unpack: unpackWithBsdtar },
] as const;
