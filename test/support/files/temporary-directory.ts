/** A directory of its own for each test, gone afterwards, with nothing in it at first. */
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

// Through a symlink to /usr/bin a test would overwrite the machine's programs.
const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;

export interface TemporaryDirectory {
  readonly path: string;
  /** Writes a file in it, never through a symlink, with the directories it needs; returns its absolute path. */
  write(name: string, content: string | Uint8Array, mode?: number): string;
  /** Makes a directory in it; returns its absolute path. */
  makeDirectory(name: string): string;
}

/** Call it once at the top of a test file or of a `describe`. */
export function useTemporaryDirectory(): TemporaryDirectory {
  let path = '';
  beforeEach(() => {
    path = realpathSync(mkdtempSync(join(tmpdir(), 'hook-test-')));
  });
  afterEach(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return {
    get path() {
      return path;
    },
    write(name, content, mode = 0o644) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      const descriptor = openSync(file, flags, mode);
      try {
        writeFileSync(descriptor, content);
      } finally {
        closeSync(descriptor);
      }
      return file;
    },
    makeDirectory(name) {
      const directory = join(path, name);
      mkdirSync(directory, { recursive: true });
      return directory;
    },
  };
}
