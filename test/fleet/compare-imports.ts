/** What an instance has imported, against what BBB published for it: file by file, byte by byte. */
import { statSync } from 'node:fs';
import { compareTrees } from '../support/files/compare-trees.ts';
import type { ImportAttempt } from '../support/pilos/import-attempt.ts';
import { readFormats } from '../support/pilos/recordings.ts';
import type { BbbHost } from './bbb-host.ts';
import type { PilosHost } from './pilos-host.ts';

export interface InstanceReport {
  name: string;
  /** Formats of recordings that are its own. */
  expected: number;
  imported: number;
  /** Archives that came a second time, as after a call that was cut off when all was written. */
  again: number;
  /** Names of what is its own and not there, of what is not its own, of what differs from what was published. */
  lost: string[];
  foreign: string[];
  different: string[];
  /** Archives that could not be imported, with the reason. */
  failed: string[];
  /** Of the archives. */
  bytes: number;
  /** From an archive's last byte to its import, in seconds. */
  longestWait: number;
}

export function compareImports(
  servers: readonly BbbHost[],
  { instance, store }: Pick<PilosHost, 'instance' | 'store'>,
  imports: readonly ImportAttempt[],
): InstanceReport {
  const own = servers.flatMap(({ recordings }) => recordings.filter(({ owner }) => owner === instance));
  const expected = new Map<string, string>();
  for (const { meeting } of own)
    for (const format of meeting.formats) expected.set(`${meeting.id}-${format}`, meeting.published(format));
  const found = new Map<string, string>(
    readFormats(store).map(({ id, format, directory }) => [`${id}-${format}`, directory]),
  );
  const differs = ([name, published]: [string, string]) => {
    const directory = found.get(name);
    return (
      directory !== undefined && (!isDirectory(directory) || compareTrees(published, directory).length > 0)
    );
  };
  return {
    name: instance,
    expected: expected.size,
    imported: found.size,
    again: imports.filter(({ formats }) => formats.some(({ isMoved }) => !isMoved)).length,
    lost: [...expected.keys()].filter((name) => !found.has(name)),
    foreign: [...found.keys()].filter((name) => !expected.has(name)),
    different: [...expected].filter(differs).map(([name]) => name),
    failed: imports.flatMap(({ archive, reason }) => (reason === null ? [] : [`${archive}: ${reason}`])),
    bytes: imports.reduce((sum, { size = 0 }) => sum + size, 0),
    longestWait: Math.max(0, ...imports.map(({ waited = 0 }) => waited)),
  };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
