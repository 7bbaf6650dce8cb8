/** What lies among BBB's recordings and is none: it stops nothing, and an admin may want to know of it. */
import { readdirSync } from 'node:fs';
import { whyNoFormat, whyNoRecording, whyUnreadableFormat } from './tree.ts';

export interface StrayEntry {
  path: string;
  /** Why it is passed over: `a loop of links`. */
  reason: string;
}

/** Everything in `published_dir` and its formats that is passed over, sorted; nothing when that cannot be read. */
export function readStrayEntries({ publishedDir }: { publishedDir: string }): StrayEntry[] {
  return namesIn(publishedDir).flatMap((format) => {
    const directory = `${publishedDir}/${format}`;
    const reason = whyNoFormat(publishedDir, format);
    if (reason !== undefined) return [{ path: directory, reason }];
    return namesIn(directory).flatMap((name) => {
      const why = whyNoRecording(directory, name);
      return why === undefined ? [] : [{ path: `${directory}/${name}`, reason: why }];
    });
  });
}

/** Directories in `published_dir` that may have recordings in them, and that we may not read. */
export function readUnreadableFormats({ publishedDir }: { publishedDir: string }): StrayEntry[] {
  return namesIn(publishedDir).flatMap((name) => {
    const reason = whyUnreadableFormat(publishedDir, name);
    return reason === undefined ? [] : [{ path: `${publishedDir}/${name}`, reason }];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}
