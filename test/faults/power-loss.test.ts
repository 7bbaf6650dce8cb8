import { expect, it } from 'vitest';
import { printFigure, sized } from '../support/program/test-size.ts';
import { checkPowerLossAfterExit, checkPowerLossDuring } from './support/power.ts';
import { shipped } from './support/program.ts';

const timeout = 20 * 60_000;

it('has the archive on the disk, whole, when the power goes right after exit 0', { timeout }, async () => {
  expect(await checkPowerLossAfterExit(shipped, sized(2, 40))).toEqual([]);
});

it('shows no partial archive after a power loss during a run, and delivers with the next', {
  timeout,
}, async () => {
  expect(await checkPowerLossDuring(shipped, sized(4, 60))).toEqual([]);
});

it('would lose archives without fsync: the power loss is a real one', { timeout }, async () => {
  const withoutSync = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=fsync', '-e', 'inject=fsync:retval=0'];
  const count = sized(1, 10);
  const problems = await checkPowerLossAfterExit(shipped, count, withoutSync);
  printFigure(`power loss with fsync left out: ${problems.length} of ${count} archives lost`);
  // Each one; but something else on this machine may sync all its disks at that moment.
  expect(problems.length).toBeGreaterThanOrEqual(count / 2);
  expect(problems.join('\n')).toContain('the archive is not there');
});
