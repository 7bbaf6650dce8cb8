/** The checks of the suite that mutants of the program are run through, each in its smallest size. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { bundle } from '../../../build/bundle.ts';
import { pick, quietly, sized, tell } from '../../support/program/test-size.ts';
import { changes, checkChange, checkStaleSenderDone } from './changes.ts';
import { checkErrorOfEarlySync } from './errors.ts';
import { checkSpoolFillsUp } from './full.ts';
import { checkKilledAnywhere } from './kill.ts';
import { checkCutTransfer, checkStoppedBefore, stopServer } from './link.ts';
import { checkRunAsRoot, checkUmasks } from './modes.ts';
import { checkDuring, checkNotMounted, coverWithTmpfs } from './mount.ts';
import type { CheckName, Edit, Mutant } from './mutants.ts';
import { checkPowerLossAfterExit } from './power.ts';
import type { Program } from './program.ts';
import { checkManyAtOnce, checkTwoServers } from './race.ts';
import { checkHostileSubDir, checkOneOfTwoFormats } from './rules.ts';
import type { Problems } from './scene.ts';
import { createRemoteScene, type PilosHost, usePilosHost } from './ssh.ts';
import type { Call } from './trace.ts';
import { type Undo, withUndo } from './undo.ts';

type Check = (program: Program, host: PilosHost) => Promise<Problems>;

/** The second write to the archive: a part of it is there. */
function secondWrite(): (call: Call) => boolean {
  let writes = 0;
  return ({ name, text }) => {
    if (name !== 'write' || !/<[^>]*\.tar[^>]*>/.test(text)) return false;
    writes += 1;
    return writes === 2;
  };
}

const renamesLedger = ({ name, text }: Call) => name === 'rename' && text.includes('/ledger/');

async function changeWhat(program: Program, what: string): Promise<Problems> {
  const change = changes.find((one) => one.what === what);
  if (change === undefined) throw new Error(`no such change: ${what}`);
  return await checkChange(program, change, 'before reading');
}

const checks: Record<CheckName, Check> = {
  'power loss right after exit 0': (program) => checkPowerLossAfterExit(program, 1),
  'killed while the archive is written': (program) => checkKilledAnywhere(program, 1, secondWrite()),
  'killed while the ledger is written': (program) => checkKilledAnywhere(program, 1, renamesLedger),
  'sshd stopped before': checkStoppedBefore,
  'sshd stopped at half of the archive': (program, host) =>
    checkCutTransfer(program, { host, key: 'ordinary', at: 0.5, cut: stopServer, what: 'sshd stopped' }),
  'several runs at once over rsync': (program, host) =>
    withUndo((undo) => {
      const scene = createRemoteScene(program, host, undo, { key: 'recommended' });
      return checkManyAtOnce(scene, 4, 'rsync');
    }),
  'a file is added while the others are read': (program) => changeWhat(program, 'a file is added'),
  'a link out of the recording': (program) =>
    changeWhat(program, 'a link out of the recording takes the place of a file'),
  'three umasks': checkUmasks,
  'a hostile sub directory': checkHostileSubDir,
  'another file system over the spool': (program) =>
    checkDuring(program, { held: 'before rename', fault: coverWithTmpfs, statuses: [75] }),
  'the spool is not mounted': checkNotMounted,
  'two servers in one spool': checkTwoServers,
  'run as root': checkRunAsRoot,
  'one of two formats delivered': checkOneOfTwoFormats,
  'published again': checkStaleSenderDone,
  'an early sync fails': checkErrorOfEarlySync,
  'the disk fills up': (program) => checkSpoolFillsUp(program, 'tmpfs'),
};

const projectDir = join(import.meta.dirname, '../../..');

/** The program with these edits, bundled; without any it is the one that ships. Gone afterwards. */
async function buildMutant(undo: Undo, edits: readonly Edit[]): Promise<Program> {
  // In the project, so that the copy finds its packages.
  const dist = join(projectDir, 'dist');
  mkdirSync(dist, { recursive: true });
  const directory = mkdtempSync(join(dist, 'mutant-'));
  undo(() => rmSync(directory, { recursive: true }));
  cpSync(join(projectDir, 'hook'), join(directory, 'hook'), { recursive: true });
  const hook = join(directory, 'hook');
  for (const edit of edits) writeFileSync(join(hook, edit.file), splitAt(hook, edit).join(edit.replace));
  const script = join(directory, 'main.cjs');
  writeFileSync(script, await bundle(join(directory, 'hook/main.ts')));
  return { command: [process.execPath, script] };
}

/** The text of the file around what is replaced, which must be there exactly once. */
function splitAt(hook: string, { file, search }: Edit): string[] {
  const parts = readFileSync(join(hook, file), 'utf8').split(search);
  if (parts.length !== 2) throw new Error(`in hook/${file} there are ${parts.length - 1} of: ${search}`);
  return parts;
}

/** One test for each mutant, and for the program without a mutation: it must pass what they do not. */
export function itNotices(what: string, mutants: readonly Mutant[]): void {
  const pilosHost = usePilosHost();
  let noticed = 0;
  const tried = pick(mutants, sized(4, mutants.length));
  it.each(tried)('notices the mutant: $name', async ({ edits, killedBy, finding }) => {
    await withUndo(async (undo) => {
      const mutant = await buildMutant(undo, edits);
      const problems = await quietly(() => checks[killedBy](mutant, pilosHost()));
      expect(problems.join('\n')).toMatch(finding);
      noticed += 1;
    });
  });

  it('knows every mutant, also those that only make faults tries, by what is in the program', () => {
    for (const { edits } of mutants) {
      for (const edit of edits) expect(splitAt(join(projectDir, 'hook'), edit)).toHaveLength(2);
    }
  });

  const names = [...new Set(tried.map(({ killedBy }) => killedBy))];
  // In CI the same checks are run on the executable by the other files.
  it.each(pick(names, sized(1, names.length)))('finds nothing without a mutation: %s', async (name) => {
    await withUndo(async (undo) => {
      const program = await buildMutant(undo, []);
      expect(await quietly(() => checks[name](program, pilosHost()))).toEqual([]);
    });
  });

  afterAll(() => tell(`mutants of ${what}: ${noticed} of ${tried.length} noticed`));
}
