/**
 * Lines on stdout and stderr, written with the system call itself: the streams of Node cost a tenth of the
 * start, and raise errors later. A reader that has gone away (`… | head`) must not end a delivery.
 */
import { fstatSync, writeSync } from 'node:fs';
import { errnoName } from '../system/errno.ts';

export function printOut(text: string): void {
  writeAll(1, text);
}

export function printError(text: string): void {
  writeAll(2, text);
}

function writeAll(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      // A pipe that another process has made non-blocking is full: it is read in a moment.
      if (errnoName(error) !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** `/dev/null`: null(4). */
const nullDevice = 0x103;

/** As `tty.isatty`, whose module is only loaded for what may be a terminal. */
export function isTerminal(descriptor: 1 | 2): boolean {
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isCharacterDevice() || stats.rdev === nullDevice) return false;
    return process[descriptor === 1 ? 'stdout' : 'stderr'].isTTY;
  } catch {
    return false;
  }
}

/** The one document that `--json` prints. */
export function printJson(value: unknown): void {
  printOut(`${JSON.stringify(value, null, 2)}\n`);
}
