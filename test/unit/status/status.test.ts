import { mkdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStamp } from '../../../hook/archive/stamp.ts';
import { readConfig } from '../../../hook/config/config.ts';
import { openLedger } from '../../../hook/delivery/ledger.ts';
import { type RecordingStatus, readStatus, type StatusFilter } from '../../../hook/status/status.ts';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import { writeWithParents } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { keyOf, meetingIdOf } from '../../support/bbb/ids.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { failFormat, publishedLongAgo } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const formats = ['presentation', 'video'];

function read(tree: BbbTree, filter: Partial<StatusFilter> = {}): RecordingStatus[] {
  const config = readConfig({ config: undefined, bbbConfig: undefined }, tree.env);
  return [
    ...readStatus(config, { failed: false, missing: false, since: undefined, meetingIds: [], ...filter }),
  ];
}

/** `video delivered` for each format of the only recording. */
function statesOf(tree: BbbTree, filter: Partial<StatusFilter> = {}): string[] {
  const [only, ...others] = read(tree, filter);
  expect(others).toEqual([]);
  return (only?.formats ?? []).map(({ format, state }) => `${format} ${state}`);
}

const at = '2024-04-10T15:00:00.000Z';

function deliver(tree: BbbTree, meeting: Meeting, format: string, recordId = meeting.id): void {
  const stamp = readStamp(meeting.published(format, recordId));
  const basis = { bytes: 1500, seconds: 2, destination: tree.spoolDir, name: `${recordId}-${format}.tar` };
  openLedger(tree.workDir).recordDelivery(keyOf(meeting.id, recordId, format), {
    at,
    ...basis,
    fingerprint: 'f',
    stamp,
  });
}

function fail(tree: BbbTree, meeting: Meeting, format: string): void {
  const error = { code: 'spool_full', message: 'the disk is full', fix: 'free some space' };
  const key = keyOf(meeting.id, meeting.id, format);
  openLedger(tree.workDir).recordFailure(key, { at, seconds: 1, error, exit_status: 73 });
}

describe('readStatus', () => {
  it('distinguishes the five states of a format', () => {
    const all = ['notes', 'podcast', 'presentation', 'screenshare', 'video'];
    const tree = createTree({ formats: all });
    const meeting = tree.addMeeting({ formats: ['podcast', 'presentation', 'video'] });
    deliver(tree, meeting, 'presentation');
    fail(tree, meeting, 'video');
    failFormat(tree, meeting.id, 'screenshare', 'processed');
    expect(statesOf(tree)).toEqual([
      'notes processing',
      'podcast waiting',
      'presentation delivered',
      'screenshare failed_in_bbb',
      'video failed',
    ]);
  });

  it('calls a format processing while BBB still copies it', () => {
    const tree = createTree();
    const { id } = tree.addMeeting();
    rmSync(join(tree.recordingDir, 'status/published', `${id}-presentation.done`));
    expect(statesOf(tree)).toEqual(['presentation processing']);
  });

  it('calls a delivery waiting that BBB has published again with other files', () => {
    const tree = createTree();
    const meeting = tree.addMeeting();
    deliver(tree, meeting, 'presentation');
    writeWithParents(join(meeting.published('presentation'), 'metadata.xml'), '<recording/>');
    expect(statesOf(tree)).toEqual(['presentation waiting']);
  });

  it('calls a format that BBB has no raw files for any more not produced, and takes nothing for missing', () => {
    const tree = createTree({ formats });
    const meeting = tree.addMeeting({ eventsXml: false });
    deliver(tree, meeting, 'presentation');
    expect(statesOf(tree)).toEqual(['presentation delivered', 'video processing']);
    publishedLongAgo(meeting);
    deliver(tree, meeting, 'presentation');
    const key = keyOf(meeting.id, meeting.id, 'presentation');
    openLedger(tree.workDir).recordImport(key, 'imported');
    expect(statesOf(tree)).toEqual(['presentation imported', 'video not_produced']);
    expect(read(tree, { missing: true })).toEqual([]);
  });

  it('shows a recording of which nothing is published yet as processing', () => {
    const tree = createTree({ formats });
    const { id } = tree.addMeeting({ formats: [], name: 'In the works' });
    expect(statesOf(tree)).toEqual(['presentation processing', 'video processing']);
    expect(read(tree)[0]).toMatchObject({ meeting_id: id, name: 'In the works', sender_done: false });
    expect(statesOf(tree, { meetingIds: [meetingIdOf(id)] })).toEqual([
      'presentation processing',
      'video processing',
    ]);
  });

  it.each(['archived', 'sanity'])(
    'shows a recording that failed in the step %s as failed in BBB, by its state',
    (step) => {
      const tree = createTree();
      const { id } = tree.addMeeting({ formats: [] });
      writeWithParents(join(tree.recordingDir, 'status', step, `${id}.fail`), '');
      expect(statesOf(tree)).toEqual(['presentation failed_in_bbb']);
    },
  );

  it.each([
    ['of another front end', { origin: 'Greenlight' }, undefined],
    ['that nobody recorded', {}, 'archived/ID.norecord'],
    ['of nobody knows whom', { eventsXml: '<recording>' }, undefined],
  ])('does not show raw files %s', (_, options, status) => {
    const tree = createTree();
    const { id } = tree.addMeeting({ formats: [], ...options });
    if (status !== undefined)
      writeWithParents(join(tree.recordingDir, 'status', status.replace('ID', id)), '');
    expect(read(tree)).toEqual([]);
    expect(read(tree, { meetingIds: [meetingIdOf(id)] })).toEqual([]);
  });

  it('shows a recording that BBB finished without publishing anything only when it is named', () => {
    const tree = createTree();
    const { id } = tree.addMeeting({ formats: [] });
    writeWithParents(join(tree.recordingDir, 'status/published', `${id}-presentation.done`), '');
    expect(read(tree)).toEqual([]);
    expect(read(tree, { meetingIds: [meetingIdOf(id)] })).toMatchObject([{ formats: [{ state: 'empty' }] }]);
  });

  it('knows a recording whose local copy was deleted from the ledger, when it is named', () => {
    const tree = createTree();
    const meeting = tree.addMeeting({ eventsXml: false });
    deliver(tree, meeting, 'presentation');
    rmSync(meeting.published('presentation'), { recursive: true });
    expect(read(tree)).toEqual([]);
    expect(read(tree, { meetingIds: [meetingIdOf(meeting.id)] })).toMatchObject([
      {
        name: '',
        formats: [
          {
            format: 'presentation',
            state: 'delivered',
            local_copy_deleted: true,
            delivered: { bytes: 1500 },
          },
        ],
      },
    ]);
  });

  it('does not take the ledger of one meeting for that of another whose id begins alike', () => {
    const tree = createTree();
    const short = tree.addMeeting({ id: 'm', eventsXml: false });
    const long = tree.addMeeting({ id: 'm-x', eventsXml: false });
    for (const one of [short, long]) deliver(tree, one, 'presentation');
    rmSync(short.published('presentation'), { recursive: true });
    rmSync(long.published('presentation'), { recursive: true });
    const found = read(tree, { meetingIds: [meetingIdOf('m')] });
    expect(found.map(({ formats: known }) => known.length)).toEqual([1]);
  });

  it('shows each segment, under the meeting', () => {
    const tree = createTree();
    const meeting = tree.addMeeting({ segments: [1712758760000, 1712758770000] });
    const [first = ''] = meeting.publishedIds;
    deliver(tree, meeting, 'presentation', first);
    const [recording] = read(tree);
    expect(recording?.meeting_id).toBe(meeting.id);
    expect(recording?.formats.map(({ record_id, state }) => `${record_id} ${state}`)).toEqual([
      `${meeting.id}-1712758760000 delivered`,
      `${meeting.id}-1712758770000 waiting`,
    ]);
  });

  it('lists the newest first, whatever their ids begin with', () => {
    const tree = createTree();
    for (const id of ['b-1712758751753', 'c-1712758751750', 'a-1712758751751']) tree.addMeeting({ id });
    expect(read(tree).map((one) => one.meeting_id)).toEqual([
      'b-1712758751753',
      'a-1712758751751',
      'c-1712758751750',
    ]);
  });

  it('takes the date of an unusual id from the disk, for --since too', () => {
    const tree = createTree();
    const { published } = tree.addMeeting({ id: 'by-hand' });
    utimesSync(published('presentation'), 1_600_000_000, 1_600_000_000);
    expect(read(tree)[0]?.date).toBe('2020-09-13T12:26:40.000Z');
    expect(read(tree, { since: 1_600_000_001_000 })).toEqual([]);
    expect(read(tree, { since: 1_600_000_000_000 })).toHaveLength(1);
  });

  it('says why a recording will not be delivered before that was tried', () => {
    const tree = createTree();
    tree.addMeeting({ subDir: '../../etc' });
    expect(read(tree)[0]?.formats[0]?.error?.message).toMatch(
      /^the meeting asks for the sub directory '\.\.\/\.\.\/etc'/,
    );
  });

  it('filters by --failed and --missing', () => {
    const tree = createTree();
    const [done, failed, waiting] = [tree.addMeeting(), tree.addMeeting(), tree.addMeeting()];
    deliver(tree, done, 'presentation');
    const key = keyOf(done.id, done.id, 'presentation');
    openLedger(tree.workDir).recordImport(key, 'imported');
    fail(tree, failed, 'presentation');
    const ids = (filter: Partial<StatusFilter>) =>
      read(tree, filter)
        .map((one) => one.meeting_id)
        .sort();
    expect(ids({ failed: true })).toEqual([failed.id]);
    expect(ids({ missing: true })).toEqual([failed.id, waiting.id].sort());
  });

  it('passes over what is no directory of a recording', () => {
    const tree = createTree();
    mkdirSync(join(tree.publishedDir, 'video', '.hidden-1712758751753'), { recursive: true });
    writeWithParents(join(tree.publishedDir, 'video', 'file-1712758751753'), '');
    expect(read(tree)).toEqual([]);
  });
});
