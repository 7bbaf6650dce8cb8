/**
 * Lets the kernel run programs of the other architecture, as the Debian package `qemu-user-static` says, and forgets
 * it in the end. Where the machine does that already, nothing is changed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runOrThrow } from '../../support/program/run-program.ts';

const mountPoint = '/proc/sys/fs/binfmt_misc';
const emulator = process.arch === 'x64' ? 'qemu-aarch64' : 'qemu-x86_64';
const rule = `/usr/lib/binfmt.d/${emulator}.conf`;

export default async function emulate(): Promise<(() => Promise<void>) | undefined> {
  const isMounted = existsSync(`${mountPoint}/register`);
  if (!isMounted) await runOrThrow('mount', ['-t', 'binfmt_misc', 'binfmt_misc', mountPoint]);
  const isOn = readdirSync(mountPoint).includes(emulator);
  if (!isOn) writeFileSync(`${mountPoint}/register`, readFileSync(rule, 'utf8').trim());
  return async () => {
    if (!isOn) writeFileSync(`${mountPoint}/${emulator}`, '-1');
    if (!isMounted) await runOrThrow('umount', [mountPoint]);
  };
}
