/** What of two checks is a change, and what is only another number. */
import { describe, expect, it } from 'vitest';
import { collectFindings, describeChange, type Findings } from '../../../hook/check/remember.ts';
import type { CheckResult } from '../../../hook/check/table.ts';

const result = (check: string, state: CheckResult['state'], problem?: string): CheckResult => ({
  ...{ check, group: 'Spool', state, title: check },
  ...(problem === undefined ? {} : { problem, fix: `repair ${check}` }),
});
const found = (...results: CheckResult[]) => collectFindings(results, {});
const change = (before: Findings, ...results: CheckResult[]) =>
  describeChange(before, collectFindings(results, before));

const full = result('spool_space', 'warning', '3 GB are left');
const hidden = result('failed_directory', 'warning', 'only PILOS can enter it');
const dead = result('spool_answers', 'problem', 'it hangs');

describe('describeChange', () => {
  it('says what is new, with its fix', () => {
    expect(change({}, dead)).toEqual({
      event: 'check',
      text: 'spool_answers: it hangs (fix: repair spool_answers)',
    });
  });

  it('is silent without a problem, and about one that is known, whatever the numbers in it', () => {
    expect(change({}, result('launcher', 'ok'))).toBeUndefined();
    expect(change(found(full), { ...full, problem: '2 GB are left' })).toBeUndefined();
  });

  it('says a warning that has become a problem, and a second thing with the same problem', () => {
    expect(change(found(full), result('spool_space', 'problem', 'full'))?.event).toBe('check');
    const one = result('sub_directory', 'problem', 'it is missing');
    expect(change(found(one), one, one)?.event).toBe('check');
  });

  it('says what is solved, and what is not', () => {
    const before = found(full, hidden, dead);
    expect(change(before, full, hidden)).toEqual({
      event: 'recovered',
      text: 'solved: spool_answers; still there: spool_space, failed_directory',
    });
    expect(change(before, hidden, dead, result('launcher', 'problem', 'gone'))).toMatchObject({
      event: 'check',
      text: 'launcher: gone (fix: repair launcher); solved: spool_space; still there: failed_directory, spool_answers',
    });
    expect(change(found(result('spool_space', 'problem', 'full')), full)).toMatchObject({
      event: 'recovered',
      text: 'solved: spool_space; still there: spool_space',
    });
  });

  it('does not take for solved what was skipped, nor says it again afterwards', () => {
    const before = found(full);
    const during = collectFindings([dead, result('spool_space', 'skipped')], before);
    expect(describeChange(before, during)?.text).toBe(
      'spool_answers: it hangs (fix: repair spool_answers); still there: spool_space',
    );
    expect(change(during, full)?.text).toBe('solved: spool_answers; still there: spool_space');
  });
});
