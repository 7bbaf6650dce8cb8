/** hook/migrate/report.ts: the exit status, the summary and the rows of a table. */
import { describe, expect, it } from 'vitest';
import {
  exitStatusFor,
  formatSummary,
  formatUnknown,
  type MigrationReport,
  rowsOf,
} from '../../../hook/migrate/report.ts';
import type { MigrationResult } from '../../../hook/migrate/send.ts';

function result(state: MigrationResult['state'], more: Partial<MigrationResult> = {}): MigrationResult {
  const of = { record_id: 'm-1', format: 'video', archive: 'm-1-video.tar', destination: '/spool' };
  return { ...of, meeting_id: 'r1', name: 'Demo', date: '', directory: '/d', state, ...more };
}

const sent = result('sent', { bytes: 1_500_000 });
const unpackable = result('cannot be packed', { exit_status: 65, error: 'why' });
const failed = result('failed', { exit_status: 74, error: 'why' });
const untried = result('not tried', { exit_status: 75, error: 'why' });

function report(results: MigrationResult[], more: Partial<MigrationReport> = {}): MigrationReport {
  const left = { left: 0, outOfTime: 0, own: 0, unmatched: new Map(), unknownIds: [] };
  return { results, isDryRun: false, ...left, ...more };
}

describe('exitStatusFor', () => {
  it.each([
    ['everything sent', report([sent, result('already sent')]), 0],
    ['one that cannot be packed', report([sent, unpackable]), 65],
    ['one that failed beside one that cannot be packed', report([unpackable, failed]), 74],
    ['some not tried', report([sent, unpackable, untried]), 75],
    ['some left by --limit', report([sent], { left: 2 }), 75],
    ['some left by --limit beside one that cannot be packed', report([unpackable], { left: 2 }), 75],
    ['some left by --limit of a dry run', report([result('planned')], { left: 2, isDryRun: true }), 0],
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
      formatSummary(report([sent, sent, unpackable], { unmatched, left: 4, own: 5, outOfTime: 6 })),
    ).toEqual([
      'ARCHIVES                         COUNT      SIZE',
      'sent                                 2    3.0 MB',
      'cannot be packed                     1',
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
  it('puts the formats of a recording into one row, with each reason once, and escapes what is not ours', () => {
    const rows = rowsOf([
      result('planned', { format: 'presentation', bytes: 1000, name: 'a\nb' }),
      result('cannot be packed', { error: 'why\u0007' }),
      result('failed', { format: 'notes', error: 'why\u0007' }),
      result('planned', { record_id: 'm-2', date: 'x' }),
    ]);
    expect(rows.map(({ meetingId, name, size, reason }) => ({ meetingId, name, size, reason }))).toEqual([
      { meetingId: 'm-1', name: 'a\\x0ab', size: '1.0 kB', reason: 'why\\x07' },
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
