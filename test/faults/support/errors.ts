/** Errors of the file system, injected with strace at every call that writes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgramResult } from '../../support/program/run-program.ts';
import { printFigure } from '../../support/program/test-size.ts';
import { describeRun, type FaultRun, type Program } from './program.ts';
import { createScene, format, type Problems, type Scene } from './scene.ts';
import { type Call, inject, traceCalls } from './trace.ts';
import { withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

export const errors = ['ENOSPC', 'EIO', 'EDQUOT', 'EROFS', 'ESTALE'] as const;

/** Where a call does its work: the spool, work_dir with the ledger, or the recording that is read. */
export type Place = 'spool' | 'work_dir' | 'published';

/** Calls that change a place or make it durable, and those that look at it before. */
const changing =
  /^(?:write|pwrite64|fsync|fdatasync|rename|fchmod|fchown|ftruncate|close|openat|unlink|mkdir|statfs|getdents64)$/;
const reading = /^(?:openat|read|close|getdents64|statx|newfstatat|lstat|readlink)$/;

function isIn(scene: Scene, place: Place, { name, text }: Call): boolean {
  if (place === 'published') return reading.test(name) && text.includes(scene.meeting.published(format));
  if (!changing.test(name)) return false;
  if (place === 'work_dir') return text.includes(scene.tree.workDir);
  // The directory is held open: a path in it is /proc/self/fd/N/NAME.
  return text.includes(scene.spool) || /"\/proc\/self\/fd\/\d+\//.test(text);
}

/**
 * Breaks each call of `place` with `errorsOf` it, one after the other, and delivers after each.
 *
 * @param wanted of the calls; all by default
 */
export async function checkInjectedErrors(
  program: Program,
  place: Place,
  errorsOf: (index: number) => readonly string[],
  wanted: (call: Call) => boolean = () => true,
  run: FaultRun = {},
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    const all = await traceCalls(scene);
    const problems = await scene.importArchives();
    // With the lock taken it is known what is to be delivered, and that it failed is noted.
    const locked = all.findIndex(({ name }) => name === 'bind');
    const calls = all.filter((call) => isIn(scene, place, call) && wanted(call));
    const watch = await watchSpool(undo, scene.spool);
    let injected = 0;
    for (const [index, call] of calls.entries()) {
      for (const error of errorsOf(index)) {
        const found = await breakCall(scene, call, error, {
          isNoted: place !== 'work_dir' && all.indexOf(call) > locked,
          run,
        });
        if (found === undefined) continue;
        injected += 1;
        problems.push(...found.map((problem) => `${error} at ${call.name} ${call.when}: ${problem}`));
      }
    }
    problems.push(...(await watch.problems()));
    const names = [...new Set(calls.map(({ name }) => name))].sort().join(', ');
    printFigure(`injected errors, ${place}: ${injected} in ${calls.length} calls (${names})`);
    if (calls.length - injected > Math.max(1, calls.length * 0.1))
      problems.push(`only ${injected} of ${calls.length} errors were injected`);
    return problems;
  });
}

/** A large archive is synced while more of it is written; what the kernel says there it does not report again. */
export async function checkErrorOfEarlySync(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program, { bytes: 64_000_000 });
    undo(scene.remove);
    const { result, broken } = await inject(scene, { name: 'fdatasync', when: 1 }, 'error=EIO', {}, 'any');
    const problems = [...scene.problemsAfter(result), ...problemsOfLedger(scene, result)];
    if (broken.length === 0) problems.push('no error was injected');
    if (result.status !== 74) problems.push(`ended with ${describeRun(result)}`);
    if (existsSync(scene.archive)) problems.push('the archive is there');
    problems.push(...scene.leftovers().map((file) => `left over: ${file}`));
    return [...problems, ...(await scene.recover())];
  });
}

/** Undefined when the call that was broken was another one, again and again. */
async function breakCall(
  scene: Scene,
  call: Call,
  error: string,
  { isNoted, run }: { isNoted: boolean; run: FaultRun },
): Promise<Problems | undefined> {
  // Every other run makes a call more before this one, and a few make others.
  for (const offset of [0, 1, 0, 1, 0, 1, -1, 2, 0, 1, 0, 1]) {
    scene.forget('everything');
    const shifted = { name: call.name, when: call.when + offset };
    const { result, broken } = await inject(scene, shifted, `error=${error}`, run);
    // libuv aborts when waking itself fails, which no file system does to it.
    if (broken.some((text) => text.includes('<anon_inode:'))) continue;
    const isOurs = broken.some((text) => targetOf(text) === targetOf(call.text));
    const problems = [...scene.problemsAfter(result), ...problemsOfEnd(scene, call, result)];
    if (isOurs && isNoted) problems.push(...problemsOfLedger(scene, result));
    problems.push(...(await scene.recover()));
    if (isOurs || problems.length > 0) return problems;
  }
  return undefined;
}

function problemsOfEnd(scene: Scene, call: Call, result: ProgramResult): Problems {
  const problems: Problems = [];
  if (result.signal !== null) problems.push(`ended by ${describeRun(result)}`);
  if (result.status !== 0 && result.stderr.trim() === '') problems.push('failed without a word');
  // A failed removal leaves what it was to remove; everything else is cleaned up at once.
  if (call.name !== 'unlink') problems.push(...scene.leftovers().map((file) => `left over: ${file}`));
  return problems;
}

function problemsOfLedger({ tree, meeting }: Scene, { status }: ProgramResult): Problems {
  const file = join(tree.workDir, 'ledger', `${meeting.id}-${format}.json`);
  const isNoted = existsSync(file) && readFileSync(file, 'utf8').includes('"result": "failed"');
  return status === 0 || isNoted ? [] : ['failed, and the ledger does not say so'];
}

/** What a call is about, without what changes from run to run. */
function targetOf(text: string): string {
  const [, , name = '', rest = ''] = /^(\d+) +([a-z_0-9]+)\((.*)$/s.exec(text) ?? [];
  const paths = rest.match(/(?:<|")(?:\/[^>"]*)/g) ?? [];
  return [
    name,
    ...paths.slice(0, 2).map((path) => path.replace(/\d+\.[0-9a-f]{8}|\/fd\/\d+|\d{3,}\./g, '')),
  ].join(' ');
}
