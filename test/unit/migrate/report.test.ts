/** hook/migrate/report.ts: the exit status, the summary and the rows of a table. */
import { describe, expect, it } from 'vitest';
import type { ExitStatus } from '../../../hook/errors.ts';
import {
  exitStatusFor,
  formatSummary,
  formatUnknown,
  type MigrationReport,
  rowsOf,
} from '../../../hook/migrate/report.ts';
import type { MigrationResult, SentResult, UnsentResult } from '../../../hook/migrate/send.ts';

type Basis = Omit<SentResult, 'state' | 'bytes' | 'files' | 'seconds'>;

const basis: Basis = {
  ...{ meeting_id: 'm', record_id: 'm-1', format: 'video', archive: 'm-1-video.tar', destination: '/spool' },
  ...{ external_id: 'r1', name: 'Demo', date: '', directory: '/d' },
  ...{ published: true, public: false },
};

function planned(bytes: number, more: Partial<Basis> = {}): MigrationResult {
  return { ...basis, ...more, state: 'planned', bytes, files: 1 };
}

function unsent(
  state: UnsentResult['state'],
  exit_status: ExitStatus,
  more: Partial<UnsentResult> = {},
): UnsentResult {
  return { ...basis, state, exit_status, error: { code: 'x', message: 'why', fix: 'so' }, ...more };
}

const sent: MigrationResult = { ...basis, state: 'delivered', bytes: 1_500_000, files: 1, seconds: 1 };
const unread: MigrationResult = { ...sent, import_state: 'delivered' };
const unchanged: MigrationResult = { ...basis, state: 'unchanged', bytes: 1 };
const unpackable = unsent('cannot_be_packed', 65);
const failed = unsent('failed', 74);
const untried = unsent('waiting', 75);

function report(results: MigrationResult[], more: Partial<MigrationReport> = {}): MigrationReport {
  const left = { left: 0, outOfTime: 0, own: 0, unmatched: new Map(), unknownIds: [] };
  return { results, isDryRun: false, ...left, ...more };
}

describe('exitStatusFor', () => {
  it.each([
    ['everything sent', report([sent, unchanged]), 0],
    ['one that cannot be packed', report([sent, unpackable]), 65],
    ['one that PILOS has refused', report([sent, unsent('refused', 65)]), 65],
    ['one that failed beside one that cannot be packed', report([unpackable, failed]), 74],
    ['some not tried', report([sent, unpackable, untried]), 75],
    ['some left by --limit', report([sent], { left: 2 }), 75],
    ['some left by --limit beside one that cannot be packed', report([unpackable], { left: 2 }), 75],
    ['some left by --limit of a dry run', report([planned(1)], { left: 2, isDryRun: true }), 0],
    ['nothing that fits', report([], { own: 3 }), 66],
    ['nothing of that time', report([], { outOfTime: 3 }), 0],
  ])('with %s is %#', (_, found, status) => {
    expect(exitStatusFor(found)).toBe(status);
  });
});

describe('formatSummary', () => {
  it('has a line for each state that occurs, with count and size below each other', () => {
    const unmatched = new Map([
      ['Moodle', 2],
      ['a\u001b[2J', 1],
    ]);
    expect(
      formatSummary(
        report([sent, unread, { ...unpackable, published: false }, unsent('refused', 65)], {
          unmatched,
          left: 4,
          own: 5,
          outOfTime: 6,
        }),
      ),
    ).toEqual([
      'ARCHIVES                         COUNT      SIZE',
      'sent                                 2    3.0 MB',
      'cannot be packed                     1',
      'refused by PILOS                     1',
      'sent, but not yet imported           1            (the same command asks again)',
      'unpublished                          1            (never public in PILOS)',
      'left by --limit                      4',
      'not matched                          3            (origin Moodle 2, a\\x1b[2J 1)',
      'not within --since and --until       6',
      "PILOS' own, see deliver              5",
    ]);
  });

  it('says also that nothing was sent', () => {
    expect(formatSummary(report([]))[1]).toMatch(/^sent +0$/);
    expect(formatSummary(report([], { isDryRun: true }))[1]).toMatch(/^to be sent +0$/);
  });
});

describe('rowsOf', () => {
  it('puts the formats of a recording into one row, with each reason once, and escapes what is not our own', () => {
    const error = { code: 'x', message: 'why\u0007', fix: 'so' };
    const rows = rowsOf([
      planned(1000, { format: 'presentation', name: 'a\nb' }),
      unsent('cannot_be_packed', 65, { error }),
      unsent('failed', 74, { format: 'notes', error }),
      planned(0, { record_id: 'm-2', date: 'x' }),
    ]);
    expect(rows.map(({ meetingId, name, size, reason }) => ({ meetingId, name, size, reason }))).toEqual([
      { meetingId: 'm-1', name: 'a\\x0ab', size: '1.0 kB', reason: 'why\\x07: so' },
      { meetingId: 'm-2', name: 'Demo', size: '-', reason: '' },
    ]);
    expect(rows[0]?.formats).toEqual([
      { state: 'waiting', text: 'presentation to be sent' },
      { state: 'failed', text: 'video cannot be packed' },
      { state: 'failed', text: 'notes failed' },
    ]);
  });
});

describe('formatUnknown', () => {
  const unknownIds = Array.from({ length: 25 }, (_, index) => `r${index}`);

  it('lists 20 ids, and all of them when asked', () => {
    expect(formatUnknown(report([], { unknownIds }), false).at(-1)).toBe(
      '  and 5 more, which --verbose and --json list',
    );
    expect(formatUnknown(report([], { unknownIds }), true)).toHaveLength(27);
    expect(formatUnknown(report([]), false)).toEqual([]);
  });

  it('escapes them', () => {
    expect(formatUnknown(report([], { unknownIds: ['a\u001b[2J'] }), false)).toContain('  a\\x1b[2J');
  });
});
