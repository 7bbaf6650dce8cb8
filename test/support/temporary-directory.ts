/** A directory of its own for each test, gone afterwards, with nothing in it at first. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

export interface TemporaryDirectory {
  readonly path: string;
  /** Writes a file in it, with the directories it needs; returns its absolute path. */
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
      writeFileSync(file, content, { mode });
      return file;
    },
    makeDirectory(name) {
      const directory = join(path, name);
      mkdirSync(directory, { recursive: true });
      return directory;
    },
  };
}
