/** How the table of checks becomes results, an exit status and lines. */
import { describe, expect, it } from 'vitest';
import { isUnicodeLocale, renderReport } from '../../../hook/check/report.ts';
import {
  ok,
  problem,
  type Rows,
  row,
  skipDependents,
  skipped,
  toReport,
  type Verdict,
  warning,
} from '../../../hook/check/table.ts';
import { EXIT } from '../../../hook/errors.ts';

const decide = (rows: Rows) => toReport(skipDependents([['Spool', rows]]));
const always = (check: string, verdict: Verdict, after: readonly string[] = []) =>
  row(check, `the ${check}`, verdict, after);
const broken = (exitStatus: 73 | 77 | 78) =>
  problem.of({ exitStatus, message: 'it is broken', fix: 'repair it' });

describe('the table', () => {
  it('skips what depends on something broken, and what depends on that', () => {
    const table = [
      always('door', broken(77)),
      always('room', ok, ['door']),
      always('bed', ok, ['room']),
      always('garden', ok),
    ];
    const { results, exitStatus } = decide(table);
    expect(results.map(({ check, state }) => [check, state])).toEqual([
      ['door', 'problem'],
      ['room', 'skipped'],
      ['bed', 'skipped'],
      ['garden', 'ok'],
    ]);
    expect(results[1]?.title).toBe('the room: not checked, fix door first');
    expect(exitStatus).toBe(77);
  });

  it('goes on after a warning', () => {
    const table = [always('door', warning('it creaks', 'oil it')), always('room', ok, ['door'])];
    expect(decide(table).results[1]?.state).toBe('ok');
  });

  it('says why there was nothing to check', () => {
    expect(decide([always('b', skipped('it is a b'))]).results[0]?.title).toBe(
      'the b: not checked, it is a b',
    );
  });

  it('escapes what comes from outside, so that it stays on its line', () => {
    const table = [row('x', 'x\n\u001b[31m', warning('z\r\u202e', 'f'))];
    const [result] = decide(table).results;
    expect(result).toMatchObject({ title: 'x\\x0a\\x1b[31m', problem: 'z\\x0d\\u{202e}' });
  });
});

describe('the exit status', () => {
  it.each([
    [[], 0],
    [[ok, skipped('x'), warning('x', 'y')], 0],
    [[broken(73)], 73],
    [[broken(73), broken(77)], 77],
    [[broken(73), broken(77), broken(78)], 78],
  ])('of %j is %i', (verdicts, status) => {
    const table = verdicts.map((verdict) => always('x', verdict));
    expect(decide(table).exitStatus).toBe(status);
  });
});

describe('the text', () => {
  const appearance = { isUnicode: true, colours: false, isQuiet: false };
  const report = decide([
    always('door', ok),
    always('lock', broken(EXIT.spool)),
    always('x', warning('y', 'z')),
  ]);

  it('has the fix below the problem', () => {
    expect(renderReport('bigbluebutton', report, appearance)).toBe(
      `checked as bigbluebutton

Spool
  ✓ the door
  ✗ the lock
      it is broken
      fix: repair it
  ! the x
      y
      fix: z

1 problem, 1 warning: begin with the spool (exit status 73)
`,
    );
  });

  it('is nothing when nothing is wrong and only that is wanted', () => {
    const fine = decide([always('door', ok)]);
    expect(renderReport('x', fine, { ...appearance, isQuiet: true })).toBe('');
    expect(renderReport('x', fine, appearance)).toMatch(/\n\nno problem\n$/);
  });

  it.each([
    [{ LANG: 'de_DE.UTF-8' }, true],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
    [{ LC_CTYPE: 'en_US.utf8' }, true],
    [{}, false],
  ])('in the locale %j has signs: %s', (environment, isUnicode) => {
    expect(isUnicodeLocale(environment)).toBe(isUnicode);
  });
});
