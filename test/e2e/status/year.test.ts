/**
 * A year of a BBB server: 60 recordings go through everything that BBB, its tools and its API do with them, in a random
 * order that is the same each time. After each step `status` says what is on the disk.
 */
import { expect, it } from 'vitest';
import type { RecordingStatus } from '../../../hook/status/status.ts';
import { installBbbRecord } from '../../support/bbb/bbb-record.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { createRandom, type Random } from '../../support/bbb/random.ts';
import {
  beginAgain,
  deleteRaw,
  deleteWithBbbRecord,
  expectedStates,
  fail,
  move,
  publish,
  publishedOnDisk,
  publishNothing,
  record,
  unfinished,
  type YearRecording,
  type YearServer,
  yearFormats,
} from '../../support/bbb/server-year.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { sized } from '../../support/program/test-size.ts';

const createTree = useBbbTrees();
const count = 60;
const deletable = ['published', 'unpublished'];
const bbbStates = ['processing', 'empty', 'failed_in_bbb', 'not_produced', 'unpublished', 'deleted'];

/** Does something to a recording that can happen to it now; returns what, `''` when nothing could. */
async function doSomething(
  server: YearServer,
  one: YearRecording,
  random: Random,
  done: ReadonlyMap<string, number>,
): Promise<string> {
  const open = unfinished(one);
  const format = open.length === 0 ? '' : random.pick(open);
  const only = random.pick(yearFormats);
  const isWhole = one.recordIds[0] === one.id;
  // Without any files of a recording and without the raw ones, no file says whose it was.
  const hasFiles = [...one.states.values()].some((state) => [...deletable, 'deleted'].includes(state));
  const isQuiet = [...one.begun].every((key) => one.states.has(key)) && hasFiles;
  const steps: [string, boolean, () => unknown][] = [
    ['publish', format !== '', () => publish(server, one, format)],
    ['publish', format !== '', () => publish(server, one, format)],
    ['publish', format !== '', () => publish(server, one, format)],
    ['publish nothing', format !== '' && isWhole, () => publishNothing(server, one, format)],
    ['fail', format !== '' && isWhole, () => fail(server, one, format)],
    ['unpublish', true, () => move(server, one, { from: ['published'], to: 'unpublished' })],
    ['unpublish a format', true, () => move(server, one, { from: ['published'], to: 'unpublished', only })],
    ['publish again', true, () => move(server, one, { from: ['unpublished'], to: 'published' })],
    [
      'publish a format again',
      true,
      () => move(server, one, { from: ['unpublished'], to: 'published', only }),
    ],
    ['delete through the API', true, () => move(server, one, { from: deletable, to: 'deleted' })],
    ['delete a format', true, () => move(server, one, { from: deletable, to: 'deleted', only })],
    ['rebuild', one.hasRaw && isWhole, () => beginAgain(server, one, '--rebuild')],
    ['republish', one.hasRaw && isWhole, () => beginAgain(server, one, '--republish')],
    ['delete', one.states.size > 0, () => deleteWithBbbRecord(server, one)],
    ['delete raw files', one.hasRaw && isQuiet, () => deleteRaw(server, one)],
  ];
  const possible = steps.filter(([, isPossible]) => isPossible);
  const fresh = possible.filter(([name]) => !done.has(name));
  // What needs something else before would come too seldom.
  const [name, , act] = random.pick(fresh.length > 0 && random.next() < 0.5 ? fresh : possible);
  return (await act()) === false ? '' : name;
}

/** BBB's call for a format that it has just finished. */
async function call(tree: BbbTree, { id, states }: YearRecording, random: Random): Promise<void> {
  const finished = [...states].filter(([, state]) => state === 'published' || state === 'empty');
  if (finished.length === 0) return;
  const [key] = random.pick(finished);
  const format = key.split('/')[1] ?? '';
  const { status, stderr } = await tree.run(['-m', id, '-f', format], { via: 'ruby' });
  expect(status, `${id} ${format}: ${stderr}`).toBe(0);
}

type States = Record<string, string>;

async function readStates(tree: BbbTree, ...args: string[]): Promise<Map<string, States>> {
  const { status, stdout } = await tree.run(['status', '--json', ...args]);
  expect(status).toBe(0);
  const { recordings } = JSON.parse(stdout) as { recordings: RecordingStatus[] };
  const statesOf = ({ formats }: RecordingStatus) =>
    Object.fromEntries(
      formats.map(({ record_id, format, state }) => [
        `${record_id}/${format}`,
        bbbStates.includes(state) ? state : 'published',
      ]),
    );
  return new Map(recordings.map((one) => [one.meeting_id, statesOf(one)]));
}

/** Of what was deleted, or is empty, there is nothing to deliver: it is not listed. */
function isListed(states: States): boolean {
  return Object.values(states).some((state) => !['deleted', 'empty', 'not_produced'].includes(state));
}

it(`status says what is on the disk through a year of ${count} recordings`, async () => {
  const tree = createTree({ formats: yearFormats, seed: 'year' });
  const server = { tree, bbbRecord: installBbbRecord(tree) };
  const random = createRandom(2026);
  const recordings: YearRecording[] = [];
  const seen = new Set<string>();
  const done = new Map<string, number>();
  for (let step = 0; step < sized(120, 1000); ) {
    while (recordings.length < Math.min(count, 5 + step))
      recordings.push(record(server, random.next() < 0.15));
    const one = random.pick(recordings);
    const what = await doSomething(server, one, random, done);
    if (what === '') continue;
    step += 1;
    done.set(what, (done.get(what) ?? 0) + 1);
    if (random.next() < 0.25) await call(tree, one, random);
    if (step % 50 === 25) await confirmImports(tree);

    const expected = new Map(recordings.map((other) => [other.id, expectedStates(other)]));
    const listed = new Map([...expected].filter(([, states]) => isListed(states)));
    const found = await readStates(tree);
    const about = `after step ${step}, ${what} of ${one.id}`;
    expect(Object.fromEntries(found), about).toEqual(Object.fromEntries(listed));
    const published = [...found.values()].flatMap((states) => Object.entries(states));
    const keys = published.filter(([, state]) => state === 'published').map(([key]) => key);
    expect(keys.sort(), about).toEqual(publishedOnDisk(server));
    for (const states of found.values()) for (const state of Object.values(states)) seen.add(state);
    if (step % 10 === 0 && found.has(one.id))
      expect((await readStates(tree, '-m', one.id)).get(one.id), about).toEqual(found.get(one.id));
  }
  expect(recordings).toHaveLength(count);
  expect([...done.keys()]).toHaveLength(13);
  expect([...seen].sort()).toEqual([...bbbStates, 'published'].sort());
}, 900_000);
