/** hook/bbb/format-states.ts: how far BBB is with the formats of a meeting. */

import { rmSync, utimesSync } from 'node:fs';
import { basename } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readPublishedFormats } from '../../../hook/bbb/bbb.ts';
import { isBeingPublished, readFormatStates } from '../../../hook/bbb/format-states.ts';
import { readMeetingFiles } from '../../../hook/bbb/meeting-files.ts';
import { formatOf, meetingIdOf as idOf } from '../../support/bbb/ids.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const meeting = idOf(`${'a'.repeat(40)}-1712758751753`);
const other = `${'b'.repeat(40)}-1712758751753`;
const bbb = () => ({
  publishedDir: `${directory.path}/published`,
  recordingDir: `${directory.path}/recording`,
});

/** Makes `published/<path>/` with a `metadata.xml` for each path. */
function publish(...paths: string[]): void {
  directory.makeDirectory('published');
  for (const path of paths) publishInto('published', path);
}

function publishInto(tree: string, path: string): void {
  directory.write(`${tree}/${path}/metadata.xml`, `<recording><id>${basename(path)}</id></recording>`);
}

const status = (path: string) => directory.write(`recording/status/${path}`, '');

describe('readFormatStates', () => {
  const statesOf = (...steps: string[]) =>
    readFormatStates(bbb(), steps.map(formatOf), readMeetingFiles(bbb(), meeting)).map(
      ({ recordId, format, state }) => `${format}/${recordId.replace(meeting, 'M')} ${state}`,
    );

  it.each([
    ['published when its directory is there', [`video/${meeting}`], [], 'published'],
    [
      'published even when an earlier try failed_in_bbb',
      [`video/${meeting}`],
      [`published/${meeting}-video.fail`],
      'published',
    ],
    ['failed when publishing did', [], [`published/${meeting}-video.fail`], 'failed_in_bbb'],
    ['failed when processing did', [], [`processed/${meeting}-video.fail`], 'failed_in_bbb'],
    ['processing when nothing says', [], [], 'processing'],
    ['processing when only its status is there', [], [`processed/${meeting}-video.done`], 'processing'],
    ['failed when archiving did', [], [`archived/${meeting}.fail`], 'failed_in_bbb'],
    ['failed when the sanity check did', [], [`sanity/${meeting}.fail`], 'failed_in_bbb'],
    ['empty when it was finished and nothing is there', [], [`published/${meeting}-video.done`], 'empty'],
    [
      'empty when it failed first and was then finished',
      [],
      [`published/${meeting}-video.fail`, `published/${meeting}-video.done`],
      'empty',
    ],
    ['processing when another meeting failed', [], [`published/${other}-video.fail`], 'processing'],
    ['processing when another format failed', [], [`published/${meeting}-notes.fail`], 'processing'],
  ])('calls a format of the steps %s', (_, published, statuses, state) => {
    publish(...published);
    directory.makeDirectory(`recording/raw/${meeting}`);
    for (const path of statuses) status(path);
    expect(statesOf('video')).toEqual([`video/M ${state}`]);
  });

  it.each(['unpublished', 'deleted'] as const)(
    'calls what lies in its place beside published_dir %s',
    (state) => {
      publish();
      publishInto(state, `video/${meeting}`);
      status(`published/${meeting}-video.done`);
      status(`published/${meeting}-notes.done`);
      expect(statesOf('notes', 'video')).toEqual(['notes/M empty', `video/M ${state}`]);
      publish(`video/${meeting}`);
      expect(statesOf('video')).toEqual(['video/M published']);
    },
  );

  it('distinguishes the segments of which some were moved away', () => {
    publish(`video/${meeting}-1712758760000`);
    publishInto('unpublished', `video/${meeting}-1712758761111`);
    publishInto('deleted', `video/${meeting}-1712758761111`);
    publishInto('deleted', `video/${meeting}-1712758762222`);
    expect(statesOf('video')).toEqual([
      'video/M-1712758760000 published',
      'video/M-1712758761111 unpublished',
      'video/M-1712758762222 deleted',
    ]);
  });

  it('knows nothing of a meeting that nobody recorded, or that is not here', () => {
    publish(`video/${other}`);
    expect(statesOf('video')).toEqual([]);
    directory.makeDirectory(`recording/raw/${meeting}`);
    expect(statesOf('video')).toEqual(['video/M processing']);
    status(`archived/${meeting}.norecord`);
    expect(statesOf('video')).toEqual([]);
  });

  it('counts a published format that no step makes any more', () => {
    publish(`notes/${meeting}`);
    expect(statesOf('video')).toEqual(['notes/M published', 'video/M processing']);
  });

  it('counts every format for every segment', () => {
    publish(`video/${meeting}-1712758760000`, `notes/${meeting}-1712758761111`);
    status(`published/${meeting}-1712758760000-notes.fail`);
    expect(statesOf('notes', 'video')).toEqual([
      'notes/M-1712758760000 failed_in_bbb',
      'video/M-1712758760000 published',
      'notes/M-1712758761111 published',
      'video/M-1712758761111 processing',
    ]);
  });

  it('takes the failure of a whole meeting for that of its segments', () => {
    publish(`video/${meeting}-1712758760000`);
    status(`processed/${meeting}-notes.fail`);
    expect(statesOf('notes')).toEqual([
      'notes/M-1712758760000 failed_in_bbb',
      'video/M-1712758760000 published',
    ]);
  });
});

describe('a format of the steps that is not there, of a recording published long ago,', () => {
  const stateOfVideo = () =>
    readFormatStates(bbb(), [formatOf('video')], readMeetingFiles(bbb(), meeting)).find(
      ({ format }) => format === 'video',
    )?.state;
  const age = (hours: number) => {
    const then = Date.now() / 1000 - hours * 3600;
    utimesSync(`${directory.path}/published/notes/${meeting}`, then, then);
  };
  beforeEach(() => {
    publish(`notes/${meeting}`);
    directory.makeDirectory('recording/raw');
    age(7);
  });

  it('is not produced once its raw files are deleted', () => {
    directory.makeDirectory(`recording/raw/${meeting}`);
    expect(stateOfVideo()).toBe('processing');
    rmSync(`${directory.path}/recording/raw/${meeting}`, { recursive: true });
    expect(stateOfVideo()).toBe('not_produced');
    age(5);
    expect(stateOfVideo()).toBe('processing');
  });

  it("waits in BBB's queue as long as the raw files are there, be it for weeks", () => {
    directory.makeDirectory(`recording/raw/${meeting}`);
    age(30 * 24);
    expect(stateOfVideo()).toBe('processing');
  });

  it.each([
    [
      'a step has made, and the next one not yet published',
      (m: string) => `status/processed/${m}-video.done`,
    ],
    ['a step is copying from', (m: string) => `process/video/${m}/x`],
    ['is being put together for publishing', (m: string) => `publish/video/${m}/x`],
  ])('is at work when it is what %s', (_, path) => {
    directory.write(`recording/${path(meeting)}`, '');
    expect(stateOfVideo()).toBe('processing');
  });

  it('is empty when BBB has finished it', () => {
    status(`processed/${meeting}-video.done`);
    status(`published/${meeting}-video.done`);
    expect(stateOfVideo()).toBe('empty');
  });

  it('may still come when all raw files are out of sight, as on a disk that is not mounted', () => {
    rmSync(`${directory.path}/recording/raw`, { recursive: true });
    expect(stateOfVideo()).toBe('processing');
  });

  it('has failed when BBB says so', () => {
    status(`processed/${meeting}-video.fail`);
    expect(stateOfVideo()).toBe('failed_in_bbb');
  });
});

describe('isBeingPublished', () => {
  const isIt = () => {
    const [one] = readPublishedFormats(bbb(), meeting, formatOf('video'));
    if (one === undefined) throw new Error('not published');
    return isBeingPublished(bbb(), one);
  };

  it.each(['done', 'fail'])('ends with the .%s that BBB writes behind the files', (ending) => {
    publish(`video/${meeting}`);
    expect(isIt()).toBe(true);
    const file = status(`published/${meeting}-video.${ending}`);
    expect(isIt()).toBe(false);
    rmSync(file);
    expect(isIt()).toBe(true);
  });

  it('counts the status of the meeting for its segments', () => {
    publish(`video/${meeting}-1712758760000`);
    expect(isIt()).toBe(true);
    status(`published/${meeting}-video.done`);
    expect(isIt()).toBe(false);
  });

  const age = (minutes: number, ...paths: string[]) => {
    const then = Date.now() / 1000 - minutes * 60;
    for (const path of paths) utimesSync(`${directory.path}/published/video/${meeting}${path}`, then, then);
  };

  it('ends for what another script publishes when it has been quiet for 5 minutes', () => {
    publish(`video/${meeting}`);
    directory.write(`published/video/${meeting}/video/webcams.webm`, 'x');
    const all = ['/metadata.xml', '/video/webcams.webm', '/video', ''];
    age(6, ...all);
    expect(isIt()).toBe(false);
    for (const path of all) {
      age(4, path);
      expect(isIt(), path).toBe(true);
      age(6, path);
    }
  });

  it.each(['status/processed/M-video.done', 'process/video/M/x', 'publish/video/M/x'])(
    'does not end within hours while %s says that BBB is at work, which may copy a large video',
    (path) => {
      publish(`video/${meeting}`);
      directory.write(`recording/${path.replace('M', meeting)}`, '');
      age(5 * 60, '/metadata.xml', '');
      expect(isIt()).toBe(true);
      age(7 * 60, '/metadata.xml', '');
      expect(isIt()).toBe(false);
    },
  );
});
