/** `/proc`, through which open directories are entered, and by which runs that are still alive are told from dead ones. */
import { existsSync } from 'node:fs';
import { EXIT, ExpectedError } from '../errors.ts';

/** Throws an ExpectedError (69) where `/proc` is not mounted, as in a chroot made by hand. */
export function requireProc(): void {
  if (existsSync('/proc/self/fd')) return;
  throw new ExpectedError('/proc is not mounted, and nothing is delivered without it', {
    code: 'proc_not_mounted',
    exitStatus: EXIT.unavailable,
    fix: 'mount -t proc proc /proc',
    scope: 'spool',
  });
}
