/** Brings a growing file to the disk while more of it is written. */
import { fdatasync, fstatSync } from 'node:fs';
import { promisify } from 'node:util';

/** Bytes after which it is worth a call. */
const portion = 16 * 1024 * 1024;
/** Milliseconds after which its size is read again. */
const interval = 20;

/**
 * Runs `write`, and syncs the file meanwhile each time that it has grown by a portion. So the fsync in the end has
 * little left to do, and the disk is not taken from everything else by 1.5 GB at once.
 *
 * Settled only when no call is under way any more, so that the file may be closed. Rejected with the error of a
 * call that failed: the kernel reports an error of writing once, and the fsync in the end would know nothing of it.
 */
export async function writeBehind(file: number, write: () => Promise<void>): Promise<void> {
  let synced = 0;
  let pending = Promise.resolve();
  let isBusy = false;
  const sync = async () => {
    isBusy = true;
    const { size } = fstatSync(file);
    if (size - synced >= portion) {
      await promisify(fdatasync)(file);
      synced = size;
    }
    isBusy = false;
  };
  const timer = setInterval(() => {
    if (isBusy) return;
    pending = sync();
    // Thrown below; a rejection that nobody waits for yet would end the program.
    pending.catch(() => undefined);
  }, interval);
  try {
    await write();
  } finally {
    clearInterval(timer);
    await pending.catch(() => undefined);
  }
  await pending;
}
