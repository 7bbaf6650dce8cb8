/** hook/bbb/bbb.ts and recording/not-published.ts: what is published. How far BBB is: recording-states.test.ts. */

import { chmodSync, symlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  archiveName,
  eventsFile,
  type PublishedFormat,
  readAllPublished,
  readPublishedFormats,
} from '../../../hook/bbb/bbb.ts';
import { meetingIdOf } from '../../../hook/bbb/ids.ts';
import { readNothingPublished } from '../../../hook/bbb/not-published.ts';
import { formatOf, meetingIdOf as idOf, keyOf, recordIdOf } from '../../support/bbb/ids.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

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

const briefly = (found: PublishedFormat[]) => found.map(({ format, recordId }) => `${format}/${recordId}`);

describe('readPublishedFormats', () => {
  it('finds every published format of a meeting, sorted', () => {
    publish(`video/${meeting}`, `podcast/${meeting}`, `podcast/${other}`, `notes/${other}`);
    expect(readPublishedFormats(bbb(), meeting)).toEqual([
      {
        meetingId: meeting,
        recordId: meeting,
        format: 'podcast',
        directory: `${directory.path}/published/podcast/${meeting}`,
      },
      {
        meetingId: meeting,
        recordId: meeting,
        format: 'video',
        directory: `${directory.path}/published/video/${meeting}`,
      },
    ]);
  });

  it('finds one format when one is named', () => {
    publish(`video/${meeting}`, `podcast/${meeting}`);
    expect(briefly(readPublishedFormats(bbb(), meeting, formatOf('video')))).toEqual([`video/${meeting}`]);
    expect(readPublishedFormats(bbb(), meeting, formatOf('notes'))).toEqual([]);
  });

  it('finds the segments that a meeting was recorded in', () => {
    publish(
      `video/${meeting}-1712758760000`,
      `video/${meeting}-1712758999999`,
      `video/${other}-1712758760000`,
    );
    const found = readPublishedFormats(bbb(), meeting, formatOf('video'));
    expect(briefly(found)).toEqual([`video/${meeting}-1712758760000`, `video/${meeting}-1712758999999`]);
    expect(found.map(({ meetingId }) => meetingId)).toEqual([meeting, meeting]);
  });

  it('finds one segment when it is named by its own id', () => {
    publish(`video/${meeting}-1712758760000`, `video/${meeting}-1712758999999`);
    expect(briefly(readPublishedFormats(bbb(), recordIdOf(`${meeting}-1712758760000`)))).toEqual([
      `video/${meeting}-1712758760000`,
    ]);
  });

  it('does not take a meeting whose id only begins alike for a segment', () => {
    publish(
      `video/${meeting}x`,
      `video/${meeting}-draft`,
      `video/${meeting}-17x`,
      `video/abc-1`,
      `video/abc`,
    );
    expect(readPublishedFormats(bbb(), meeting)).toEqual([]);
    expect(briefly(readPublishedFormats(bbb(), idOf('abc')))).toEqual(['video/abc']);
  });

  it('passes over files, strange names and formats that are no directory', () => {
    publish(
      `video/${meeting}`,
      `.hidden/${meeting}`,
      `-rf/${meeting}`,
      `a b/${meeting}`,
      'video/-x',
      'video/a b',
    );
    directory.write('published/readme.txt', '');
    directory.write(`published/notes/${meeting}`, 'a file');
    expect(briefly(readPublishedFormats(bbb(), meeting))).toEqual([`video/${meeting}`]);
  });

  it('follows a symlink to a directory, and passes over one that leads nowhere', () => {
    publish(`video/${other}`, 'notes');
    symlinkSync(`${directory.path}/published/video/${other}`, `${directory.path}/published/video/${meeting}`);
    symlinkSync('nowhere', `${directory.path}/published/notes/${meeting}`);
    expect(briefly(readPublishedFormats(bbb(), meeting))).toEqual([`video/${meeting}`]);
  });

  it('says which setting to check when published_dir is missing', () => {
    const error = expectedErrorOf(() => readPublishedFormats(bbb(), meeting));
    expect(error.exitStatus).toBe(78);
    expect(error.message).toBe(`published_dir ${directory.path}/published does not exist`);
    expect(error.fix).toContain('bigbluebutton.yml');
  });

  it.each([
    ['published', undefined],
    ['published/video', 'video'],
  ])('says when %s may not be read', async (path, format) => {
    publish(`video/${meeting}`);
    chmodSync(directory.path, 0o755);
    chmodSync(`${directory.path}/${path}`, 0o700);
    const { error } = await runInChildNode(
      `const { readPublishedFormats } = await hook('bbb/bbb');
       return readPublishedFormats(argument.bbb, argument.meeting, argument.format);`,
      { argument: { bbb: bbb(), meeting, format }, uid: 65534 },
    );
    expect(error).toMatchObject({ exitStatus: 77 });
    expect(error?.message).toContain(`${directory.path}/${path}: permission denied (EACCES)`);
  });

  it('passes over a format that may not be read when others are asked for as well', async () => {
    publish(`video/${meeting}`, `notes/${meeting}`);
    chmodSync(directory.path, 0o755);
    chmodSync(`${directory.path}/published/notes`, 0o700);
    const { value } = await runInChildNode(
      `const { readPublishedFormats } = await hook('bbb/bbb');
       return readPublishedFormats(argument.bbb, argument.meeting);`,
      { argument: { bbb: bbb(), meeting }, uid: 65534 },
    );
    expect(value).toMatchObject([{ format: 'video' }]);
  });
});

describe('readAllPublished', () => {
  it('groups everything on this server by meeting, segments with their meeting', () => {
    publish(`video/${meeting}-1712758760000`, `notes/${meeting}`, `notes/${other}`, 'notes/-x');
    const all = readAllPublished(bbb());
    expect([...all.keys()].sort()).toEqual([meeting, other]);
    expect(briefly(all.get(meeting) ?? [])).toEqual([`notes/${meeting}`, `video/${meeting}-1712758760000`]);
  });
});

describe('the names that follow from an id', () => {
  it.each([
    [meeting, meeting],
    [`${meeting}-1712758760000`, meeting],
    ['abc-1712758751753', 'abc-1712758751753'],
    ['abc-1712758751753-5', 'abc-1712758751753'],
    ['abc-12', 'abc-12'],
    ['abc-12-34', 'abc-12-34'],
    ['abc-17127587517531-5', 'abc-17127587517531-5'],
    ['abc-1712758751753-5x', 'abc-1712758751753-5x'],
  ])('a record id %s belongs to the meeting %s', (recordId, meetingId) => {
    expect(meetingIdOf(recordIdOf(recordId))).toBe(meetingId);
  });

  it("are those of BBB and of PILOS' Ruby script", () => {
    expect(archiveName(keyOf('a-1', 'a-1', 'notes'))).toBe('a-1-notes.tar');
    expect(eventsFile({ publishedDir: '/p', recordingDir: '/r' }, idOf('a-1'))).toBe('/r/raw/a-1/events.xml');
  });

  it('are made of validated ids only: neither a string nor a record id passes for a meeting id', () => {
    // @ts-expect-error what nobody has validated
    const ofString = eventsFile(bbb(), meeting.toString());
    // @ts-expect-error a segment has no events.xml of its own
    const ofRecord = eventsFile(bbb(), recordIdOf(`${meeting}-1712758760000`));
    expect([ofString, ofRecord].map((file) => basename(file))).toEqual(['events.xml', 'events.xml']);
  });
});

describe('readNothingPublished', () => {
  const read = (format: string | undefined) =>
    readNothingPublished(
      bbb(),
      ['notes', 'video'].map(formatOf),
      meeting,
      format === undefined ? undefined : formatOf(format),
    );
  const notPublished = (format: string | undefined) => {
    const nothing = read(format);
    if (nothing.kind === 'empty') throw new Error('it is empty');
    return nothing.error;
  };

  it('says that BBB finished a format, or all of them, and published nothing', () => {
    publish();
    directory.makeDirectory(`recording/raw/${meeting}`);
    directory.write(`recording/status/published/${meeting}-notes.done`, '');
    expect(read('notes')).toEqual({ kind: 'empty', formats: ['notes'] });
    expect(read(undefined)).toMatchObject({ kind: 'missing', error: { code: 'processing' } });
    directory.write(`recording/status/published/${meeting}-video.done`, '');
    expect(read(undefined)).toEqual({ kind: 'empty', formats: ['notes', 'video'] });
  });

  it('says that BBB failed, or that it cannot make a format any more', () => {
    publish();
    directory.makeDirectory('recording/raw');
    directory.write(`recording/status/processed/${meeting}-video.fail`, '');
    expect(notPublished('video')).toMatchObject({ exitStatus: 66, code: 'failed_in_bbb' });
    expect(notPublished('notes')).toMatchObject({ exitStatus: 66, code: 'not_produced' });
  });

  it('says that BBB does not know the meeting', () => {
    publish();
    const error = notPublished('video');
    expect(error.exitStatus).toBe(66);
    expect(error.message).toContain(`BBB has no recording of meeting '${meeting}'`);
    expect(error.fix).toContain('bbb-record --list');
  });

  it('says what else is published of the meeting, each format once', () => {
    publish(`notes/${meeting}-1712758760000`, `notes/${meeting}-1712758761111`, `podcast/${meeting}`);
    const { message } = notPublished('video');
    expect(message).toContain("'video' of meeting");
    expect(message).toContain('(published: notes, podcast)');
  });

  it('says that nothing is published yet of a meeting that BBB works on', () => {
    publish();
    directory.makeDirectory(`recording/raw/${meeting}`);
    const error = notPublished(undefined);
    expect(error.message).toContain('(published: nothing)');
    expect(error.fix).toContain(`bbb-record --rebuild ${meeting}`);
  });

  it('says that the meeting, or this format of it, was unpublished', () => {
    publish(`notes/${meeting}`);
    directory.makeDirectory(`recording/raw/${meeting}`);
    publishInto('unpublished', `video/${meeting}`);
    const { message, fix } = notPublished('video');
    expect(message).toBe(
      `meeting '${meeting}' was unpublished: BBB keeps its video in ${directory.path}/unpublished`,
    );
    expect(fix).toContain(`migrate --from ${directory.path}/unpublished`);
    expect(notPublished('podcast').message).toContain('(published: notes)');
  });

  it('says that the meeting was deleted', () => {
    publish();
    publishInto('deleted', `video/${meeting}`);
    expect(notPublished('video')).toMatchObject({ exitStatus: 66, code: 'deleted' });
  });
});
