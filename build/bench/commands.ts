/** What is measured: the executable, PILOS' own script, and the least that a delivery could cost. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { outputDirectory, programName } from '../project.ts';
import type { Command } from './measure.ts';
import type { Scene } from './scene.ts';

export const executable = join(outputDirectory, programName);
export const ruby = '/usr/bin/ruby';
const reference = join(import.meta.dirname, 'reference.rb');

/** BBB's call for a recording; `words` is the program. */
export function call(scene: Scene, id: string, words: readonly string[] = [executable]): Command {
  return { words: [...words, '-m', id, '-f', 'presentation'], environment: scene.environment };
}

/** PILOS' script, called for a recording. */
export function referenceCall(scene: Scene, id: string): Command {
  return call(scene, id, [ruby, reference, scene.referenceSettings]);
}

/** A call that delivers: begins with an empty spool and ledger, and what it has made is checked. */
function delivering(scene: Scene, id: string, command: Command): Command {
  return { ...command, prepare: scene.startOver, verify: () => verifyArchive(scene, id) };
}

export const delivery = (scene: Scene, id: string) => delivering(scene, id, call(scene, id));

/** PILOS' script, and then what makes its archive as durable as this program's: it ends before anything is on the disk. */
export function durableReferenceDelivery(scene: Scene, id: string): Command {
  const archive = join(scene.spoolDir, `${id}-presentation.tar`);
  const script = 'archive=$1; shift; "$@" && sync "$archive" && sync "$(dirname "$archive")"';
  const { words } = referenceCall(scene, id);
  const all = ['sh', '-c', script, 'sh', archive, ...words];
  return delivering(scene, id, { words: all, environment: scene.environment });
}

/** `tar --create` straight into the spool directory, with fsync: the least that a delivery could cost. */
export function leastDelivery(scene: Scene, id: string): Command {
  const archive = join(scene.spoolDir, `${id}-presentation.tar`);
  const script =
    'tar --create --file "$1" --directory "$2" "presentation/$3" && sync "$1" && sync "$(dirname "$1")"';
  const words = ['sh', '-c', script, 'sh', archive, scene.publishedDir, id];
  return delivering(scene, id, { words, environment: scene.environment });
}

/** Not measured: the archive is all that is in the spool, and holds what was published. */
function verifyArchive(scene: Scene, id: string): void {
  const names = readdirSync(scene.spoolDir);
  const [name] = names;
  if (names.length !== 1 || name !== `${id}-presentation.tar`)
    throw new Error(`in the spool: ${names.join(', ')}`);
  const compared = spawnSync('tar', [
    '--compare',
    '--file',
    join(scene.spoolDir, name),
    '--directory',
    scene.publishedDir,
  ]);
  // Owner and mode are not those of the published files, on purpose.
  const other = compared.stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !/(?:Mode|Uid|Gid) differs$/.test(line));
  if (other.length > 0) throw new Error(`${name}: ${other.slice(0, 3).join('; ')}`);
}
