/** When the content of a published directory has to be compared. */
import { statSync } from 'node:fs';
import { isSystemError } from '../system/errno.ts';

/**
 * Two system calls: of the directory, which changes when a file is added at its top, and of its `metadata.xml`,
 * which BBB writes last when it publishes. Another stamp says nothing but that something may have changed (an
 * inode, a time, a host name): whether the content has, only `readContentChecksum` can say.
 *
 * @returns `''` when nobody can say
 */
export function readStamp(directory: string): string {
  try {
    const stats = [directory, `${directory}/metadata.xml`].map((path) => statSync(path));
    return stats.map(({ size, mtimeMs, ino }) => `${size}-${mtimeMs}-${ino}`).join(' ');
  } catch (error) {
    if (isSystemError(error)) return '';
    throw error;
  }
}
