/** The receiving end: PILOS' importer on a spool directory, and three programs that unpack an archive. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from '../program/run-program.ts';

/** What PILOS read from one `metadata.xml`. Times are milliseconds since 1970. */
export interface ImportedFormat {
  /** Where it was found, relative to the unpacked archive. */
  directory: string;
  id: string;
  startTime: number;
  endTime: number;
  meetingId: string;
  meetingName: string;
  format: string;
  link: string;
}

export interface ImportedArchive {
  /** Name of the file in the spool. */
  archive: string;
  /** The directory it was unpacked into. */
  unpacked: string;
  formats: ImportedFormat[];
  /** Class and message, null when PILOS is content. */
  exception: string | null;
  /** PILOS deletes what it takes for imported. */
  deleted: boolean;
}

const importScript = join(import.meta.dirname, '../../fixtures/pilos_import.php');

/** PHP's options; its tables grow with the archive's size, by 240 MB at 4 GiB. */
function php(memoryLimit: string): string[] {
  return ['-d', `memory_limit=${memoryLimit}`, '-d', 'display_errors=stderr'];
}

export interface ImportOptions {
  /** Leaves the archives in the spool. */
  keep?: boolean;
  /** PILOS' image has PHP's default of 128M, which is not enough for archives of 2 GiB and more. */
  memoryLimit?: string;
}

/**
 * One round of PILOS' importer over the top level of `spoolDir`.
 *
 * @param storeDir each archive is unpacked into a directory in it, named like the archive without `.tar`
 */
export async function importSpool(
  spoolDir: string,
  storeDir: string,
  { keep = false, memoryLimit = '128M' }: ImportOptions = {},
): Promise<ImportedArchive[]> {
  const options = JSON.stringify({ spool: spoolDir, store: storeDir, keep });
  const { stdout } = await runOrThrow('php', [...php(memoryLimit), importScript, options], {
    timeoutMilliseconds: 600_000,
  });
  return JSON.parse(stdout) as ImportedArchive[];
}

/** PHP's PharData, as PILOS calls it. @throws Error with PHP's exception */
export async function unpackWithPhar(archive: string, directory: string): Promise<void> {
  const code = '(new PharData($argv[1]))->extractTo($argv[2], null, true);';
  await unpack(directory, 'php', [...php('1G'), '-r', code, '--', archive, directory]);
}

export async function unpackWithGnuTar(archive: string, directory: string): Promise<void> {
  // Files from before 1970 or after today are complained about, but unpacked.
  const options = ['--extract', '--no-same-owner', '--warning=no-timestamp'];
  await unpack(directory, 'tar', [...options, '--file', archive, '--directory', directory]);
}

export async function unpackWithBsdtar(archive: string, directory: string): Promise<void> {
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
