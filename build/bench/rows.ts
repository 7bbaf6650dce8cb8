/** The rows of the benchmark: what is measured, against what, and what is to be reached. */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provideBaseExecutable } from '../base-executable.ts';
import { hostArchitecture, outputDirectory, programName } from '../project.ts';
import {
  call,
  delivery,
  durableReferenceDelivery,
  executable,
  leastDelivery,
  referenceCall,
  ruby,
} from './commands.ts';
import { bytes, type Figure, figures, mebibytes, milliseconds, seconds, share } from './figure.ts';
import { type Command, compare, measure } from './measure.ts';
import { addEvents, addPublished, createScene, meetingId, type Scene } from './scene.ts';
import {
  runBacklog,
  runCutAndResumed,
  runOverSsh,
  runSmallOverSsh,
  runWhileDead,
  type SmallRow,
} from './ssh-rows.ts';

export interface Row {
  number: number;
  work: string;
  against: string;
  run: (scene: Scene) => Figure[] | Promise<Figure[]>;
}

const node = provideBaseExecutable(hostArchitecture());
const megabyte = 1_000_000;

const memoryLimit = 80 * 1024 * 1024;

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

function addSmall(scene: Scene): void {
  addEvents(scene, ids.small, 'PILOS', 0.5 * megabyte);
  if (!existsSync(join(scene.publishedDir, 'presentation', ids.small)))
    addPublished(scene, ids.small, recordingSizes(15 * megabyte));
}

function addLarge(scene: Scene): void {
  addEvents(scene, ids.large, 'PILOS', 0.5 * megabyte);
  if (!existsSync(join(scene.publishedDir, 'presentation', ids.large)))
    addPublished(scene, ids.large, recordingSizes(1500 * megabyte));
}

function row1(scene: Scene): Figure[] {
  addForeign(scene);
  const directory = join(scene.root, 'post_publish');
  mkdirSync(directory, { recursive: true });
  const launcher = join(directory, 'pilos_post_publish.rb');
  copyFileSync(join(outputDirectory, 'pilos_post_publish.rb'), launcher);
  copyFileSync(executable, join(directory, programName));
  const reference = referenceCall(scene, ids.foreign);
  const own = call(scene, ids.foreign, [ruby, launcher]);
  // What Ruby and Node.js themselves take on this machine, with no program in either.
  const words = [ruby, '--disable-gems', '-e', 'system(*ARGV)', node, '-e', '0'];
  const least = compare(own, { words, environment: scene.environment }, 9);
  return [
    ...figures(compare(own, reference, 9), {
      wall: [undefined, milliseconds],
      cpu: [undefined, milliseconds],
    }),
    ...figures(least, { wall: [1.25, milliseconds] }).map((one) => ({ ...one, name: 'wall / the least' })),
  ];
}

function row2(scene: Scene): Figure[] {
  addForeign(scene);
  const bare = { words: [node, '-e', '0'], environment: scene.environment };
  const found = compare(call(scene, ids.foreign), bare, 15);
  return figures(found, { wall: [1.25, milliseconds], memory: [1.25, mebibytes] });
}

function row3(scene: Scene): Figure[] {
  addForeign(scene);
  addEvents(scene, ids.foreignLarge, 'Greenlight', 225 * megabyte);
  const found = compare(call(scene, ids.foreignLarge), call(scene, ids.foreign), 15);
  const other = measure(referenceCall(scene, ids.foreignLarge));
  rmSync(join(scene.recordingDir, 'raw', ids.foreignLarge), { recursive: true });
  return [
    ...figures(found, { wall: [1.05, milliseconds], memory: [1.02, mebibytes] }),
    share('wall / reference', found.own.wall, other.wall, 0.01, milliseconds),
  ];
}

function row4(scene: Scene): Figure[] {
  addLarge(scene);
  const found = compare(delivery(scene, ids.large), durableReferenceDelivery(scene, ids.large), 2, false);
  return figures(found, { wall: [0.2, seconds], cpu: [0.2, seconds] });
}

function row5(scene: Scene): Figure[] {
  addLarge(scene);
  const found = compare(delivery(scene, ids.large), leastDelivery(scene, ids.large), 3);
  return figures(found, { wall: [1.03, seconds], cpu: [1.2, seconds] });
}

function row6(scene: Scene): Figure[] {
  addLarge(scene);
  const { written } = measure(delivery(scene, ids.large));
  const { size } = statSync(join(scene.spoolDir, `${ids.large}-presentation.tar`));
  return [share('bytes', written, size, 1.01, bytes)];
}

function row7(scene: Scene): Figure[] {
  addLarge(scene);
  addSmall(scene);
  const found = compare(delivery(scene, ids.large), delivery(scene, ids.small), 2);
  return [
    ...figures(found, { memory: [1.1, mebibytes] }),
    share('memory / 80 MiB', found.own.memory, memoryLimit, 1, mebibytes),
  ];
}

function row8(scene: Scene): Figure[] {
  addEvents(scene, ids.many, 'PILOS', 0.5 * megabyte);
  addPublished(scene, ids.many, Array<number>(20_000).fill(5000));
  const found = compare(delivery(scene, ids.many), leastDelivery(scene, ids.many), 5);
  return figures(found, { wall: [1.5, seconds] });
}

function row9(scene: Scene): Promise<Figure[]> {
  addLarge(scene);
  const name = `${ids.large}-presentation.tar`;
  return runOverSsh(scene, call(scene, ids.large), referenceCall(scene, ids.large), name);
}

function row10(scene: Scene): Promise<Figure[]> {
  addLarge(scene);
  return runCutAndResumed(scene, call(scene, ids.large), `${ids.large}-presentation.tar`);
}

function row11(scene: Scene): Figure[] {
  addSmall(scene);
  const ledger = join(scene.workDir, 'ledger');
  const full = join(scene.root, 'full-ledger');
  mkdirSync(full);
  for (let number = 0; number < 100_000; number += 1) {
    writeFileSync(join(full, `${meetingId(1000 + number)}-presentation.json`), '{}');
  }
  const empty = delivery(scene, ids.small);
  const fill = () => {
    scene.startOver();
    renameSync(full, ledger);
  };
  const takeBack = () => {
    empty.verify?.();
    rmSync(join(ledger, `${ids.small}-presentation.json`));
    renameSync(ledger, full);
  };
  const filled = { ...empty, prepare: fill, verify: takeBack };
  return figures(compare(filled, empty, 9), { wall: [1.05, milliseconds] });
}

function row12(scene: Scene): Figure[] {
  const status = (count: number): Command => {
    const server = createScene(scene.root, `status-${count}`);
    for (let number = 0; number < count; number += 1) {
      addEvents(server, meetingId(number), 'PILOS', 0);
      addPublished(server, meetingId(number), []);
    }
    return { words: [executable, 'status'], environment: server.environment };
  };
  const found = compare(status(10_000), status(1000), 3);
  return [
    ...figures(found, { wall: [10, seconds] }),
    share('memory / 80 MiB', found.own.memory, memoryLimit, 1, mebibytes),
  ];
}

const smallId = (number: number) => meetingId(100_000 + number);

/** So many recordings of 1 MB. */
function addMany(scene: Scene, count: number): string[] {
  return Array.from({ length: count }, (_, number) => {
    addEvents(scene, smallId(number), 'PILOS', 20_000);
    addPublished(scene, smallId(number), Array<number>(20).fill(megabyte / 20));
    return smallId(number);
  });
}

/** In a scene of its own: what else is published would be delivered, too. */
function small(count: number, run: (row: SmallRow) => Promise<Figure[]>) {
  return async (scene: Scene): Promise<Figure[]> => {
    const own = createScene(scene.root, 'small');
    try {
      return await run({ scene: own, ids: addMany(own, count) });
    } finally {
      own.remove();
    }
  };
}

function row13(): Figure[] {
  return [share('bytes', statSync(executable).size, statSync(node).size, 1.01, bytes)];
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
  {
    number: 4,
    work: '1.5 GB recording to a mounted spool',
    against: 'reference, then sync',
    run: row4,
  },
  { number: 5, work: 'the same', against: 'tar --create with fsync', run: row5 },
  { number: 6, work: 'the same, bytes written', against: 'the archive', run: row6 },
  { number: 7, work: 'the same, peak memory', against: 'a recording of 15 MB', run: row7 },
  { number: 8, work: '20,000 files of 5 KB', against: 'tar --create with fsync', run: row8 },
  { number: 9, work: '1.5 GB over rsync and ssh on loopback', against: 'reference', run: row9 },
  { number: 10, work: 'the same cut at 90 % and run again, bytes sent', against: 'a full run', run: row10 },
  { number: 11, work: 'a delivery with 100,000 entries in the ledger', against: 'none', run: row11 },
  { number: 12, work: 'status of 10,000 recordings', against: '1,000 recordings', run: row12 },
  { number: 13, work: 'the executable, bytes', against: 'the stripped stock Node', run: row13 },
  {
    number: 14,
    work: 'a recording of 1 MB over rsync and ssh',
    against: 'reference',
    run: small(1, (row) => runSmallOverSsh(row, 0.75, 7)),
  },
  {
    number: 15,
    work: '20 recordings of 1 MB over rsync and ssh',
    against: 'reference, 20 calls',
    run: small(20, (row) => runSmallOverSsh(row, 0.4, 2)),
  },
  {
    number: 16,
    work: 'a backlog of 100 recordings of 1 MB over rsync and ssh',
    against: 'rsync, archives ready',
    run: small(100, runBacklog),
  },
  {
    number: 17,
    work: 'a call while the host is known to be dead',
    against: '0.2 s',
    run: small(1, runWhileDead),
  },
];
