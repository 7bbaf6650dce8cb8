/** The rows of the benchmark: what is measured, against what, and what is to be reached. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { provideBaseExecutable } from '../base-executable.ts';
import { hostArchitecture, outputDirectory, programName } from '../project.ts';
import { type Command, compare, measure, repeat } from './measure.ts';
import { addEvents, addPublished, createScene, meetingId, type Scene } from './scene.ts';
import { runCutAndResumed, runOverSsh } from './ssh-rows.ts';

export interface Figure {
  name: string;
  value: number;
  /** At most this. */
  reach: number;
  /** What the ratio is of, in absolute figures. */
  detail: string;
}

export interface Row {
  number: number;
  work: string;
  against: string;
  run: (scene: Scene) => Figure[] | Promise<Figure[]>;
}

const executable = join(outputDirectory, programName);
const node = provideBaseExecutable(hostArchitecture());
const reference = join(import.meta.dirname, 'reference.rb');
const ruby = '/usr/bin/ruby';
const megabyte = 1_000_000;

const milliseconds = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
const seconds = (value: number) => `${value.toFixed(2)} s`;
const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** The delivery of one recording by the executable, checked afterwards. */
function delivery(scene: Scene, id: string, words: readonly string[] = [executable]): Command {
  return {
    words: [...words, '-m', id, '-f', 'presentation'],
    environment: scene.environment,
    prepare: scene.emptySpool,
    verify: () => verifyArchive(scene, id),
  };
}

/** PILOS' script on the same recording. */
function referenceDelivery(scene: Scene, id: string): Command {
  return {
    words: [ruby, reference, scene.referenceSettings, '-m', id, '-f', 'presentation'],
    environment: scene.environment,
    prepare: scene.emptySpool,
    verify: () => verifyArchive(scene, id),
  };
}

/** `tar --create` straight into the spool directory, with fsync: the least that a delivery could cost. */
function leastDelivery(scene: Scene, id: string): Command {
  const archive = join(scene.spoolDir, `${id}-presentation.tar`);
  const script =
    'tar --create --file "$1" --directory "$2" "presentation/$3" && sync "$1" && sync "$(dirname "$1")"';
  return {
    words: ['sh', '-c', script, 'sh', archive, scene.publishedDir, id],
    environment: scene.environment,
    prepare: scene.emptySpool,
    verify: () => verifyArchive(scene, id),
  };
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

function ratio(name: string, value: number, reach: number, detail: string): Figure {
  return { name, value, reach, detail };
}

/** A recording of `total` bytes: one large file and 300 small ones of 100 kB. */
function recordingSizes(total: number): number[] {
  const small = Math.min(100_000, total / 600);
  return [Math.round(total - 300 * small), ...Array.from({ length: 300 }, () => Math.round(small))];
}

const ids = {
  foreign: meetingId(1),
  large: meetingId(2),
  small: meetingId(3),
  many: meetingId(4),
  foreignLarge: meetingId(5),
};

function addForeign(scene: Scene): void {
  addEvents(scene, ids.foreign, 'Greenlight', 0.5 * megabyte);
}

function addLarge(scene: Scene): void {
  addEvents(scene, ids.large, 'PILOS', 0.5 * megabyte);
  if (!existsSync(join(scene.publishedDir, 'presentation', ids.large)))
    addPublished(scene, ids.large, recordingSizes(1500 * megabyte));
}

function foreignCall(scene: Scene, id: string, words: readonly string[]): Command {
  return { words: [...words, '-m', id, '-f', 'presentation'], environment: scene.environment };
}

function row1(scene: Scene): Figure[] {
  addForeign(scene);
  const launched = join(scene.root, 'post_publish');
  mkdirSync(launched, { recursive: true });
  const launcher = join(launched, 'pilos_post_publish.rb');
  copyFileSync(join(outputDirectory, 'pilos_post_publish.rb'), launcher);
  copyFileSync(executable, join(launched, programName));
  const ours = foreignCall(scene, ids.foreign, [ruby, launcher]);
  const other = foreignCall(scene, ids.foreign, [ruby, reference, scene.referenceSettings]);
  const found = compare(ours, other, 9);
  return [
    ratio(
      'wall',
      found.ratio.wall,
      0.17,
      `${milliseconds(found.ours.wall)} / ${milliseconds(found.other.wall)}`,
    ),
    ratio('CPU', found.ratio.cpu, 0.17, `${milliseconds(found.ours.cpu)} / ${milliseconds(found.other.cpu)}`),
  ];
}

function row2(scene: Scene): Figure[] {
  addForeign(scene);
  const bare = { words: [node, '-e', '0'], environment: scene.environment };
  const found = compare(foreignCall(scene, ids.foreign, [executable]), bare, 15);
  return [
    ratio(
      'wall',
      found.ratio.wall,
      1.25,
      `${milliseconds(found.ours.wall)} / ${milliseconds(found.other.wall)}`,
    ),
    ratio(
      'memory',
      found.ratio.memory,
      1.25,
      `${mebibytes(found.ours.memory)} / ${mebibytes(found.other.memory)}`,
    ),
  ];
}

function row3(scene: Scene): Figure[] {
  addForeign(scene);
  addEvents(scene, ids.foreignLarge, 'Greenlight', 225 * megabyte);
  const large = foreignCall(scene, ids.foreignLarge, [executable]);
  const found = compare(large, foreignCall(scene, ids.foreign, [executable]), 15);
  const other = measure(foreignCall(scene, ids.foreignLarge, [ruby, reference, scene.referenceSettings]));
  rmSync(join(scene.recordingDir, 'raw', ids.foreignLarge), { recursive: true });
  return [
    ratio(
      'wall',
      found.ratio.wall,
      1.05,
      `${milliseconds(found.ours.wall)} / ${milliseconds(found.other.wall)}`,
    ),
    ratio(
      'memory',
      found.ratio.memory,
      1.02,
      `${mebibytes(found.ours.memory)} / ${mebibytes(found.other.memory)}`,
    ),
    ratio(
      'wall of reference',
      found.ours.wall / other.wall,
      0.01,
      `${milliseconds(found.ours.wall)} / ${seconds(other.wall)}`,
    ),
  ];
}

function row4(scene: Scene): Figure[] {
  addLarge(scene);
  const found = compare(delivery(scene, ids.large), referenceDelivery(scene, ids.large), 2);
  return [
    ratio('wall', found.ratio.wall, 0.2, `${seconds(found.ours.wall)} / ${seconds(found.other.wall)}`),
    ratio('CPU', found.ratio.cpu, 0.2, `${seconds(found.ours.cpu)} / ${seconds(found.other.cpu)}`),
  ];
}

function row5(scene: Scene): Figure[] {
  addLarge(scene);
  const found = compare(delivery(scene, ids.large), leastDelivery(scene, ids.large), 5);
  return [
    ratio('wall', found.ratio.wall, 1.03, `${seconds(found.ours.wall)} / ${seconds(found.other.wall)}`),
    ratio('CPU', found.ratio.cpu, 1.2, `${seconds(found.ours.cpu)} / ${seconds(found.other.cpu)}`),
  ];
}

function row6(scene: Scene): Figure[] {
  addLarge(scene);
  const found = repeat(delivery(scene, ids.large), 1);
  const size = archiveSize(scene, ids.large);
  return [ratio('bytes written', found.written / size, 1.01, `${found.written} / ${size}`)];
}

function archiveSize(scene: Scene, id: string): number {
  return statSync(join(scene.spoolDir, `${id}-presentation.tar`)).size;
}

function row7(scene: Scene): Figure[] {
  addLarge(scene);
  addEvents(scene, ids.small, 'PILOS', 0.5 * megabyte);
  addPublished(scene, ids.small, recordingSizes(15 * megabyte));
  const large = repeat(delivery(scene, ids.large), 3);
  const small = repeat(delivery(scene, ids.small), 3);
  return [
    ratio(
      'memory',
      large.memory / small.memory,
      1.1,
      `${mebibytes(large.memory)} / ${mebibytes(small.memory)}`,
    ),
    ratio('memory / 80 MiB', large.memory / (80 * 1024 * 1024), 1, mebibytes(large.memory)),
  ];
}

function row8(scene: Scene): Figure[] {
  addEvents(scene, ids.many, 'PILOS', 0.5 * megabyte);
  addPublished(
    scene,
    ids.many,
    Array.from({ length: 20_000 }, () => 5000),
  );
  const found = compare(delivery(scene, ids.many), leastDelivery(scene, ids.many), 5);
  return [ratio('wall', found.ratio.wall, 1.5, `${seconds(found.ours.wall)} / ${seconds(found.other.wall)}`)];
}

function row9(scene: Scene): Promise<Figure[]> {
  addLarge(scene);
  return runOverSsh(
    scene,
    delivery(scene, ids.large),
    referenceDelivery(scene, ids.large),
    `${ids.large}-presentation.tar`,
  );
}

function row10(scene: Scene): Promise<Figure[]> {
  addLarge(scene);
  return runCutAndResumed(scene, delivery(scene, ids.large), `${ids.large}-presentation.tar`);
}

function row11(scene: Scene): Figure[] {
  addEvents(scene, ids.small, 'PILOS', 0.5 * megabyte);
  addPublished(scene, ids.small, recordingSizes(15 * megabyte));
  const ledger = join(scene.workDir, 'ledger');
  const full = join(scene.root, 'full-ledger');
  mkdirSync(full, { recursive: true });
  for (let number = 0; number < 100_000; number += 1) {
    writeFileSync(join(full, `${meetingId(1000 + number)}-presentation.json`), '{}');
  }
  const clear = () => {
    scene.emptySpool();
    rmSync(ledger, { recursive: true, force: true });
  };
  const empty = { ...delivery(scene, ids.small), prepare: clear };
  const filled = {
    ...empty,
    prepare: () => {
      clear();
      renameSync(full, ledger);
    },
    verify: () => renameSync(ledger, full),
  };
  const found = compare(filled, empty, 15);
  return [
    ratio(
      'wall',
      found.ratio.wall,
      1.05,
      `${milliseconds(found.ours.wall)} / ${milliseconds(found.other.wall)}`,
    ),
  ];
}

function row12(scene: Scene): Figure[] {
  const status = (count: number): Command => {
    const root = createScene(scene.root);
    for (let number = 0; number < count; number += 1) {
      addEvents(root, meetingId(number), 'PILOS', 0);
      addPublished(root, meetingId(number), []);
    }
    return { words: [executable, 'status'], environment: root.environment };
  };
  const found = compare(status(10_000), status(1000), 3);
  return [
    ratio('wall', found.ratio.wall, 10, `${seconds(found.ours.wall)} / ${seconds(found.other.wall)}`),
    ratio('memory / 80 MiB', found.ours.memory / (80 * 1024 * 1024), 1, mebibytes(found.ours.memory)),
  ];
}

function row13(): Figure[] {
  const [ours, stock] = [statSync(executable).size, statSync(node).size];
  return [ratio('bytes', ours / stock, 1.01, `${ours} / ${stock}`)];
}

export const rows: readonly Row[] = [
  {
    number: 1,
    work: 'launcher + executable, a meeting of another front end',
    against: 'reference',
    run: row1,
  },
  { number: 2, work: 'executable alone, the same', against: 'node -e 0', run: row2 },
  { number: 3, work: 'a 225 MB events.xml', against: 'the same with 0.5 MB', run: row3 },
  { number: 4, work: '1.5 GB recording to a mounted spool', against: 'reference', run: row4 },
  { number: 5, work: 'the same', against: 'tar --create with fsync', run: row5 },
  { number: 6, work: 'the same, bytes written', against: 'the archive', run: row6 },
  { number: 7, work: 'the same, peak memory', against: 'a recording of 15 MB', run: row7 },
  { number: 8, work: '20,000 files of 5 KB', against: 'tar --create with fsync', run: row8 },
  { number: 9, work: '1.5 GB over rsync and ssh on loopback', against: 'reference', run: row9 },
  { number: 10, work: 'the same cut at 90 % and run again, bytes sent', against: 'a full run', run: row10 },
  { number: 11, work: 'a delivery with 100,000 entries in the ledger', against: 'none', run: row11 },
  { number: 12, work: 'status of 10,000 recordings', against: '1,000 recordings', run: row12 },
  { number: 13, work: 'the executable, bytes', against: 'the stripped stock Node', run: row13 },
];
