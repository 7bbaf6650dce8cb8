/**
 * A stand-in for BBB 3.0's `bbb-record` with the real one's effects on the disk and its peculiarities: it wants `$USER`,
 * reads the directories from `bigbluebutton.yml` alone, and knows only formats that have a script in `process/`. It
 * notes each call.
 */
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

/** BBB 3.0's own. */
const processScripts = ['notes', 'podcast', 'presentation', 'screenshare', 'video'];

function scriptOf({ bigbluebuttonYml, scriptsDir, recordingDir }: BbbTree): string {
  return `[ -n "$USER" ] || { echo 'this command is for root or the user of BBB, not for nobody' >&2; exit 1; }
[ $# -eq 2 ] && [ -n "$2" ] || exit 64
published=$(sed -n 's/^"*published_dir"*: *//p' '${bigbluebuttonYml}' | tr -d '"')
base=$(dirname "$published")
status='${recordingDir}/status'
formats=$(cd '${scriptsDir}/process' && ls *.rb | sed 's/\\.rb$//')
case $1 in
--delete)
  rm -f "$status"/*/"$2"*
  for format in $formats; do
    rm -rf "$base"/published/"$format"/"$2"* "$base"/unpublished/"$format"/"$2"* "$base"/deleted/"$format"/"$2"*
    rm -rf '${recordingDir}'/process/"$format"/"$2"* '${recordingDir}'/publish/"$format"/"$2"*
  done
  rm -rf '${recordingDir}/raw/'"$2"* ;;
--rebuild | --republish)
  [ -d '${recordingDir}/raw/'"$2" ] || { echo "raw files for $2 do not exist" >&2; exit 1; }
  rm -f "$status"/published/"$2"*
  [ $1 = --republish ] || rm -f "$status"/archived/"$2".norecord "$status"/sanity/"$2"* "$status"/processed/"$2"*
  for format in $formats; do
    rm -rf "$base"/published/"$format"/"$2" "$base"/unpublished/"$format"/"$2" "$base"/deleted/"$format"/"$2"
  done
  mkdir -p "$status/archived" && touch "$status/archived/$2.done" ;;
*) exit 64 ;;
esac`;
}

/**
 * @param instead shell commands that it runs instead
 */
export function installBbbRecord(tree: BbbTree, instead?: string): BbbRecord {
  const directory = join(tree.root, 'usr/local/bin');
  const log = join(tree.logDir, 'bbb-record.calls');
  mkdirSync(directory, { recursive: true });
  mkdirSync(join(tree.scriptsDir, 'process'), { recursive: true });
  for (const format of processScripts) writeFileSync(join(tree.scriptsDir, 'process', `${format}.rb`), '');
  const script = `#!/bin/sh\necho "$*" >>'${log}'\n${instead ?? scriptOf(tree)}\n`;
  writeFileSync(join(directory, 'bbb-record'), script, { mode: 0o755 });
  return {
    PATH: `${directory}:${systemPath()}`,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []),
  };
}
