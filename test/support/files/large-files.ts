/** Files that take long to pack and no time to make, and waiting for the moment when one is being packed. */
import { closeSync, ftruncateSync, openSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Makes a file of so many bytes that takes no space, or gives one this size. */
export function writeSparseFile(file: string, size: number): void {
  const descriptor = openSync(file, 'a');
  ftruncateSync(descriptor, size);
  closeSync(descriptor);
}

/** The hidden name of an archive on its way into a spool directory, as soon as there is one. */
export async function untilPacking(spoolDir: string): Promise<string> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const name = readdirSync(spoolDir).find((found) => /^\..*\.tar\./.test(found));
    if (name !== undefined) return name;
    if (Date.now() > deadline) throw new Error(`nothing was packed into ${spoolDir} for 30 s`);
    await sleep(2);
  }
}
