/** A stand-in for BBB's `bbb-record` that really deletes what `--delete ID` deletes, and notes each call. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemPath } from '../program/run-program.ts';
import type { BbbTree } from './bbb-tree.ts';

export interface BbbRecord {
  /** For the environment of a run: a PATH with the stand-in in front. */
  PATH: string;
  /** The arguments of each call so far. */
  calls(): string[];
}

/**
 * @param instead shell commands that it runs instead of deleting
 */
export function installBbbRecord(tree: BbbTree, instead?: string): BbbRecord {
  const directory = join(tree.root, 'usr/local/bin');
  const log = join(tree.logDir, 'bbb-record.calls');
  mkdirSync(directory, { recursive: true });
  const deleting = `[ "$1" = --delete ] && [ $# -eq 2 ] && [ -n "$2" ] || exit 64
rm -rf '${tree.publishedDir}'/*/"$2" '${tree.recordingDir}/raw/'"$2"
rm -f '${tree.recordingDir}'/status/*/"$2"[-.]*`;
  writeFileSync(join(directory, 'bbb-record'), `#!/bin/sh\necho "$*" >>'${log}'\n${instead ?? deleting}\n`, {
    mode: 0o755,
  });
  return {
    PATH: `${directory}:${systemPath()}`,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []),
  };
}
