/** What an instance has imported, against what BBB published for it: file by file, byte by byte. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Meeting } from '../support/bbb/bbb-meeting.ts';
import { compareTrees } from '../support/files/compare-trees.ts';
import type { BbbHost } from './bbb-host.ts';
import type { Import, PilosHost } from './pilos-host.ts';

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

interface Expected {
  meeting: Meeting;
  format: string;
}

export function compareImports(
  servers: readonly BbbHost[],
  { instance, store }: PilosHost,
  imports: readonly Import[],
): InstanceReport {
  const own = servers.flatMap(({ recordings }) => recordings.filter(({ owner }) => owner === instance));
  const expected = new Map<string, Expected>();
  for (const { meeting } of own)
    for (const format of meeting.formats) expected.set(`${meeting.id}-${format}`, { meeting, format });
  const found = readdirSync(store);
  const isThere = (name: string) => existsSync(join(store, name));
  const differs = (name: string, { meeting, format }: Expected) => {
    const unpacked = join(store, name, format, meeting.id);
    return !isDirectory(unpacked) || compareTrees(meeting.published(format), unpacked).length > 0;
  };
  return {
    name: instance,
    expected: expected.size,
    imported: found.length,
    again: imports.filter(({ isAgain, deleted }) => isAgain && deleted).length,
    lost: [...expected.keys()].filter((name) => !isThere(name)),
    foreign: found.filter((name) => !expected.has(name)),
    different: [...expected].flatMap(([name, one]) => (isThere(name) && differs(name, one) ? [name] : [])),
    failed: imports.flatMap(({ name, exception }) => (exception === null ? [] : [`${name}: ${exception}`])),
    bytes: imports.reduce((sum, { size }) => sum + size, 0),
    longestWait: Math.max(0, ...imports.map(({ waited }) => waited)),
  };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
