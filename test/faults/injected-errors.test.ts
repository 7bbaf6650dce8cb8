import { describe, expect, it } from 'vitest';
import { sized } from '../support/program/test-size.ts';
import { checkErrorOfEarlySync, checkInjectedErrors, errors } from './support/errors.ts';
import { shipped } from './support/program.ts';
import type { Call } from './support/trace.ts';

const timeout = 30 * 60_000;

/** In CI each call gets one of the errors, in turn. */
const errorsOf = (index: number) =>
  sized(1, errors.length) === 1 ? [errors[index % errors.length] ?? 'EIO'] : errors;

/** Reading takes hundreds of calls, of which many are alike. */
function everyNth(n: number): () => boolean {
  let index = 0;
  return () => index++ % n === 0;
}

/** As {@link everyNth}, of the writes; of the other calls every other one in CI. */
function everyNthWrite(n: number): (call: Call) => boolean {
  const [isWriteChosen, isOtherChosen] = [everyNth(n), everyNth(sized(2, 1))];
  return ({ name }) => (name === 'write' ? isWriteChosen() : isOtherChosen());
}

describe('ENOSPC, EIO, EDQUOT, EROFS and ESTALE', () => {
  it('at any call on the spool end with no partial archive, no leftovers and a clear failure', {
    timeout,
  }, async () => {
    const isChosen = everyNthWrite(sized(40, 1));
    expect(await checkInjectedErrors(shipped, 'spool', errorsOf, isChosen)).toEqual([]);
  });

  it('at an early sync of a large archive fail the run, although the fsync in the end succeeds', {
    timeout,
  }, async () => {
    expect(await checkErrorOfEarlySync(shipped)).toEqual([]);
  });

  it('at any call on the published files fail, are noted in the ledger, and pass', { timeout }, async () => {
    const isNth = everyNth(sized(24, 1));
    // Wake-ups between threads are reads, too, and come where they come: what is one of a file takes several tries.
    const isChosen = ({ name }: Call) => (sized(0, 1) === 1 || name !== 'read') && isNth();
    expect(await checkInjectedErrors(shipped, 'published', errorsOf, isChosen)).toEqual([]);
  });

  it('at any call on work_dir never keep a mounted spool from its archive', { timeout }, async () => {
    expect(await checkInjectedErrors(shipped, 'work_dir', errorsOf, everyNth(sized(2, 1)))).toEqual([]);
  });
});
