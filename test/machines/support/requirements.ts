/** What test machines need of this machine, asked before anything starts. */
import { accessSync, constants, existsSync } from 'node:fs';
import { executable } from './packages.ts';

/** @throws Error with one line that says what is missing */
export function requireMachines(): void {
  const missing = findMissing();
  if (missing !== undefined) throw new Error(`test machines cannot be started: ${missing}`);
}

function findMissing(): string | undefined {
  if (process.arch !== 'x64')
    return `User-mode Linux exists for x86 only, and this machine is ${process.arch}`;
  if (process.getuid?.() !== 0) return 'they need root, for a network of their own';
  if (!isUsable('/dev/net/tun')) return '/dev/net/tun is missing: modprobe tun';
  if (!existsSync('/usr/bin/linux.uml'))
    return 'user-mode-linux is not installed: build/system-packages.sh machines';
  if (!existsSync(executable)) return `${executable} is missing: make build`;
  return undefined;
}

function isUsable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
