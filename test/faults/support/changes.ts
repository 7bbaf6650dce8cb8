/** The published files change, vanish or are made again while they are read. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from '../../support/program/run-program.ts';
import { whenTemporary } from './disk.ts';
import { describeRun, type Program } from './program.ts';
import { createScene, format, noise, type Problems, type Scene } from './scene.ts';
import { holding, traceCalls } from './trace.ts';
import { withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

export interface Change {
  what: string;
  /** Given the published directory. */
  change: (directory: string) => unknown;
  /** 0: delivered as it is then. Otherwise what was broken is repaired, and it is delivered afterwards. */
  status: number;
}

const webcams = 'video/a.webm';

function replace(file: string): void {
  const { atime, mtime, size } = statSync(file);
  writeFileSync(`${file}.new`, noise('replaced', size));
  utimesSync(`${file}.new`, atime, mtime);
  renameSync(`${file}.new`, file);
}

/** As `bbb-record --rebuild` does: away with the old files, then the new ones. */
export function rebuild(directory: string): void {
  cpSync(directory, `${directory}.new`, { recursive: true });
  writeFileSync(join(`${directory}.new`, webcams), noise('rebuilt', 700_000));
  rmSync(directory, { recursive: true });
  renameSync(`${directory}.new`, directory);
}

export const changes: Change[] = [
  {
    what: 'a file gets other bytes',
    change: (at) => writeFileSync(join(at, webcams), noise('x', 1_250_000)),
    status: 0,
  },
  {
    what: 'a file is replaced by one of the same size and time',
    change: (at) => replace(join(at, webcams)),
    status: 0,
  },
  { what: 'a file grows', change: (at) => appendFileSync(join(at, webcams), 'more'), status: 0 },
  { what: 'a file is cut', change: (at) => truncateSync(join(at, webcams), 1000), status: 0 },
  { what: 'a file is deleted', change: (at) => rmSync(join(at, webcams)), status: 0 },
  { what: 'a file is added', change: (at) => writeFileSync(join(at, 'video/added'), 'new'), status: 0 },
  {
    what: 'a FIFO takes the place of a file',
    change: (at) => runOrThrow('sh', ['-c', 'rm "$0" && mkfifo "$0"', join(at, webcams)]),
    status: 0,
  },
  { what: 'the whole is made again', change: rebuild, status: 0 },
  {
    what: 'a link out of the recording takes the place of a file',
    change: (at) => {
      rmSync(join(at, webcams));
      symlinkSync('/etc/passwd', join(at, webcams));
    },
    status: 65,
  },
  { what: 'metadata.xml is deleted', change: (at) => rmSync(join(at, 'metadata.xml')), status: 65 },
  { what: 'the whole is deleted', change: (at) => rmSync(at, { recursive: true }), status: 75 },
];

/** @param moment between the plan and the first file, or when a part of the archive is written */
export async function checkChange(
  program: Program,
  { change, status }: Change,
  moment: 'before reading' | 'while reading',
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    const first = await firstWrite(scene);
    const hold = moment === 'before reading' ? holding('fchmod', 1, 1500) : holding('write', first, 1500);
    const watch = await watchSpool(undo, scene.spool);
    scene.forget('everything');
    const published = scene.meeting.published(format);
    cpSync(published, `${published}.saved`, { recursive: true, preserveTimestamps: true });
    const { result } = scene.start({ by: hold });
    const temporary = join(scene.spool, await whenTemporary(scene.spool));
    while (moment === 'while reading' && (statSync(temporary, { throwIfNoEntry: false })?.size ?? 1) === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await change(published);
    const ended = await result;
    const problems = scene.problemsAfter(ended);
    if (ended.status !== status) problems.push(`ended with ${describeRun(ended)} instead of ${status}`);
    problems.push(...scene.leftovers().map((file) => `left over: ${file}`));
    problems.push(...(await watch.problems()));
    if (status === 0) return [...problems, ...(await scene.importArchives())];
    if (existsSync(scene.archive)) problems.push('an archive was delivered');
    rmSync(published, { recursive: true, force: true });
    renameSync(`${published}.saved`, published);
    return [...problems, ...(await scene.recover())];
  });
}

/** The how-manieth write of a run is the first to the archive. */
async function firstWrite(scene: Scene): Promise<number> {
  const calls = await traceCalls(scene);
  const write = calls.find(({ name, text }) => name === 'write' && text.includes(`${scene.spool}/.`));
  if (write === undefined) throw new Error('the run wrote no archive');
  return write.when;
}

/** Something writes all the time: it fails after a second try, and passes when that is over. */
export async function checkChangingAllTheTime(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program, { bytes: 10_000_000 });
    undo(scene.remove);
    const file = join(scene.meeting.published(format), webcams);
    const writer = setInterval(() => appendFileSync(file, 'more'), 2);
    undo(() => clearInterval(writer));
    // Each piece takes so long that the file changes meanwhile, however seldom it is this process' turn.
    const ended = await scene.run({ by: holding('write', '1+', 20) });
    clearInterval(writer);
    const problems = scene.problemsAfter(ended);
    if (ended.status !== 75) problems.push(`ended with ${describeRun(ended)}`);
    problems.push(...scene.leftovers().map((left) => `left over: ${left}`));
    return [...problems, ...(await scene.recover())];
  });
}

/** Published again after its import: the old `-sender.done` is gone before the new files are on their way. */
export async function checkStaleSenderDone(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program, { tree: { pilos: { replaces_recordings: true } } });
    undo(scene.remove);
    const problems = await scene.recover();
    rebuild(scene.meeting.published(format));
    const { result } = scene.start({ by: holding('fchmod', 1, 700) });
    await whenTemporary(scene.spool);
    if (scene.isSenderDone())
      problems.push('the old -sender.done is there while the new files are delivered');
    const ended = await result;
    problems.push(...scene.problemsAfter(ended), ...(await scene.importArchives()));
    return [...problems, ...(await scene.confirm())];
  });
}

/** The same with a PILOS that keeps what it has: nothing is sent, the call says so, and `-sender.done` is gone. */
export async function checkOutdated(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    const problems = await scene.recover();
    rebuild(scene.meeting.published(format));
    const ended = await scene.run();
    if (ended.status !== 65) problems.push(`ended with ${describeRun(ended)}`);
    problems.push(...scene.problemsAfter(ended));
    if (existsSync(scene.archive)) problems.push('an archive was delivered');
    return [...problems, ...(await scene.recover('again'))];
  });
}
