/**
 * The checks that mutants of the program are run through, each in its smallest size. They return what they found
 * instead of asserting it: a mutant must fail, and by the finding that is expected of it.
 */
import { changes, checkChange, checkStaleSenderDone } from './changes.ts';
import { checkErrorOfEarlySync } from './errors.ts';
import { checkSpoolFillsUp } from './full.ts';
import { checkClosedSpoolOverRsync } from './full-rsync.ts';
import { checkKilledAnywhere } from './kill.ts';
import { checkCutTransfer, checkStoppedBefore, stopServer } from './link.ts';
import { checkRunAsRoot, checkUmasks } from './modes.ts';
import { checkDuring, checkNotMounted, coverWithTmpfs } from './mount.ts';
import { checkPowerLossAfterExit } from './power.ts';
import type { Program } from './program.ts';
import { checkManyAtOnce, checkTwoServers } from './race.ts';
import { checkHostileSubDir, checkOneOfTwoFormats, checkRefused, checkWaitsForImport } from './rules.ts';
import type { Problems } from './scene.ts';
import { createRemoteScene, type PilosHost } from './ssh.ts';
import type { Call } from './trace.ts';
import { withUndo } from './undo.ts';

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

export const checks = {
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
  'PILOS has it or refuses it': checkRefused,
  'published again a moment later': checkWaitsForImport,
  'an early sync fails': checkErrorOfEarlySync,
  'the spool of another host is closed': checkClosedSpoolOverRsync,
  'the disk fills up': (program) => checkSpoolFillsUp(program, 'tmpfs'),
} satisfies Record<string, Check>;

export type CheckName = keyof typeof checks;
