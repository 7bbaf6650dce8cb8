/** hook/bbb/stray-entries.ts: what lies among BBB's recordings and is none is named, and passed over everywhere. */
import { chmodSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { readAllPublished } from '../../../hook/bbb/bbb.ts';
import { readRawMeetingIds } from '../../../hook/bbb/unpublished.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';

const directory = useTemporaryDirectory();
const meeting = `${'a'.repeat(40)}-1712758751753`;
const bbb = () => ({
  publishedDir: `${directory.path}/published`,
  recordingDir: `${directory.path}/recording`,
});

function publish(path: string, id = basename(path)): void {
  directory.write(`published/${path}/metadata.xml`, `<recording>\n  <id>\n ${id} </id></recording>`);
}

it('names each stray entry with the reason, and finds everything else', async () => {
  publish(`presentation/${meeting}`);
  publish('presentation/own-id-of-a-test');
  publish(`presentation/${meeting}.bak`, meeting);
  publish(`presentation/${meeting}-old`, meeting);
  publish(`presentation.old/${meeting}`);
  directory.write('published/readme.txt', '');
  directory.write(`published/presentation/${meeting.replace(/^a/, 'b')}`, 'a file');
  directory.makeDirectory(`published/presentation/${meeting.replace(/^a/, 'c')}`);
  symlinkSync('loop', `${directory.path}/published/presentation/loop`);
  symlinkSync('nowhere', `${directory.path}/published/notes`);
  publish(`closed/${meeting}`);
  publish(`presentation/${meeting.replace(/^a/, 'd')}`);
  const socket = createServer();
  await new Promise<void>((resolve) =>
    socket.listen(`${directory.path}/published/presentation/sock`, resolve),
  );
  chmodSync(directory.path, 0o755);
  chmodSync(`${directory.path}/published/closed`, 0o700);
  publish('presentation/closed');
  chmodSync(`${directory.path}/published/presentation/closed`, 0o700);
  chmodSync(`${directory.path}/published/presentation/${meeting.replace(/^a/, 'd')}`, 0o700);

  const { value } = await runInChildNode(
    `const { readStrayEntries } = await hook('bbb/stray-entries');
     const { readAllPublished } = await hook('bbb/bbb');
     const found = [...readAllPublished(argument).values()].flat().map(({ format, recordId }) => format + '/' + recordId);
     return { stray: readStrayEntries(argument), found };`,
    { argument: bbb(), uid: 65534 },
  );
  socket.close();
  const { stray, found } = value as { stray: { path: string; reason: string }[]; found: string[] };
  expect(found.sort()).toEqual([
    `presentation/${meeting}`,
    // Its delivery fails, and says why.
    `presentation/${meeting.replace(/^a/, 'd')}`,
    'presentation/own-id-of-a-test',
  ]);
  const reasons = stray.map(({ path, reason }) => [path.replace(`${directory.path}/published/`, ''), reason]);
  expect(Object.fromEntries(reasons)).toEqual({
    closed: 'cannot be read (EACCES)',
    notes: 'a link to nothing',
    'presentation.old': 'not the name of a format',
    [`presentation/${meeting}.bak`]: 'a copy of a recording',
    [`presentation/${meeting}-old`]: 'a copy of a recording',
    [`presentation/${meeting.replace(/^a/, 'b')}`]: 'not a directory',
    [`presentation/${meeting.replace(/^a/, 'c')}`]: 'an empty directory',
    'presentation/closed': 'cannot be read (EACCES)',
    'presentation/loop': 'a loop of links',
    'presentation/sock': 'not a directory',
    'readme.txt': 'not the name of a format',
  });
});

it('counts a recording without metadata.xml as one: its delivery says what is missing', () => {
  directory.write(`published/presentation/${meeting}/video.webm`, 'x');
  expect([...readAllPublished(bbb()).keys()]).toEqual([meeting]);
});

it('knows the raw files of a meeting from a copy of them', () => {
  const events = (name: string, id: string) =>
    directory.write(
      `recording/raw/${name}/events.xml`,
      `<?xml version="1.0"?>\n<recording meeting_id="${id}">`,
    );
  directory.makeDirectory(`recording/raw/${meeting}`);
  events('own-id-of-a-test', 'own-id-of-a-test');
  events(`${meeting}.bak`, meeting);
  directory.makeDirectory('recording/raw/lost+found');
  expect(readRawMeetingIds(bbb()).sort()).toEqual([meeting, 'own-id-of-a-test']);
});
