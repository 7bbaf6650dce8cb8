/** How the command line treats a person: shortened ids, slips of the keyboard, and a call without sudo. */
import { describe, expect, it } from 'vitest';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { readLedger } from '../../support/program/traces.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();
const time = '-1712758751753';
const [one, alike, other] = ['abcdef01', 'abcdef02', '12345678'].map((begin) => begin.repeat(5) + time) as [
  string,
  string,
  string,
];

function createServer() {
  const tree = createTree();
  for (const id of [one, alike, other]) tree.addMeeting({ id });
  return tree;
}

describe('the beginning of an id that only one meeting has', () => {
  it('is enough for a delivery, by -m and by deliver -m', async () => {
    const tree = createServer();
    expect(await tree.run(['-m', '123456'])).toMatchObject({ status: 0, stderr: '' });
    expect(await tree.run(['deliver', '-m', one.slice(0, 8)])).toMatchObject({ status: 0, stderr: '' });
    expect(tree.spoolFiles()).toEqual([`${other}-presentation.tar`, `${one}-presentation.tar`]);
  });

  it('is enough for status, and for status --forget', async () => {
    const tree = createServer();
    await tree.run(['-m', other]);
    expect((await tree.run(['status', '-m', '123456'])).stdout).toContain(other);
    expect(await tree.run(['status', '--forget', '123456'])).toMatchObject({ status: 0 });
    expect(() => readLedger(tree, other, 'presentation')).toThrow('no entry');
  });
});

it('the beginning of a room is enough for status --room, when only one room begins so', async () => {
  const tree = createTree();
  const rooms = ['room-one-a', 'room-one-a', 'room-one-b'].map(
    (externalId) => tree.addMeeting({ externalId }).id,
  );
  const list = async (room: string) => (await tree.run(['status', '--json', '--room', room])).stdout;
  for (const room of ['room-one-a', ' room-one-a ']) {
    const said = await list(room);
    expect(rooms.map((id) => said.includes(id))).toEqual([true, true, false]);
  }
  expect(await list('room-one-b')).toContain(rooms[2]);
  const { status, stderr } = await tree.run(['status', '--room', 'room-one']);
  expect({ status, stderr }).toEqual({
    status: 64,
    stderr: expect.stringMatching(
      /'room-one' fits 2 rooms: give more of the id: room-one-[ab], room-one-[ab]\n$/,
    ),
  });
  const other = tree.addMeeting({ externalId: 'other-room' }).id;
  expect(await list('other-')).toContain(other);
});

it('a part of its name is enough for status --name, in whatever case', async () => {
  const tree = createTree();
  const [first, second, third] = ['Analysis I', 'ANALYSIS für Physiker', 'Algebra'].map(
    (name) => tree.addMeeting({ name }).id,
  );
  const list = async (name: string) => {
    const { stdout } = await tree.run(['status', '--json', '--name', name]);
    const { recordings } = JSON.parse(stdout) as { recordings: { meeting_id: string }[] };
    return recordings.map(({ meeting_id: id }) => id).sort();
  };
  expect(await list('analysis')).toEqual([first, second].sort());
  expect(await list('FÜR')).toEqual([second]);
  expect(await list('algebra')).toEqual([third]);
  expect(await list('topology')).toEqual([]);
});

describe.each(['-m', 'deliver -m', 'status -m', 'status --forget'])('%s', (words) => {
  const args = words.split(' ');

  it('ends with 64 for a beginning that several have, and names them', async () => {
    const { status, stderr } = await createServer().run([...args, 'abcdef0']);
    expect(status).toBe(64);
    expect(stderr).toContain(`'abcdef0' fits 2 meetings: give more of the id: ${one}, ${alike}\n`);
  });

  it.each(['abcdef03', 'abcde', `${'0'.repeat(40)}${time}`])(
    'ends with 66 for %s, which none has',
    async (id) => {
      const tree = createServer();
      expect((await tree.run([...args, id])).status).toBe(66);
      expect(tree.spoolFiles()).toEqual([]);
    },
  );
});

describe('a slip', () => {
  it.each([
    [
      'an unknown command',
      ['staus'],
      /unknown command 'staus', did you mean 'status'\? The commands are deliver, /,
    ],
    [
      'an unknown option',
      ['deliver', '--limt', '1'],
      /'--limt'.*\(see 'pilos-post-publish deliver --help'\)/s,
    ],
    [
      'an option given twice',
      ['deliver', '--limit', '1', '--limit', '2'],
      /'--limit' is given twice \(see 'pilos-/,
    ],
  ])('%s ends with 64, and says what to do', async (_, args, says) => {
    const { status, stderr } = await createTree().run(args);
    expect(status).toBe(64);
    expect(stderr).toMatch(says);
  });

  it('help shows all commands, or the help of one', async () => {
    const tree = createTree();
    expect((await tree.run(['help'])).stdout).toBe((await tree.run(['--help'])).stdout);
    expect((await tree.run(['help', 'deliver'])).stdout).toBe((await tree.run(['deliver', '--help'])).stdout);
  });
});

it.each([['-m', one], ['deliver'], ['status'], ['prune']])(
  'without sudo, %s says so in one line',
  async (...args) => {
    const [owner, person] = [await createBbbUser(), await createBbbUser()];
    try {
      const tree = createServer();
      tree.giveTo(owner);
      const line = `pilos-post-publish: run as ${person.name}, but BBB's files belong to ${owner.name}: run it with sudo\n`;
      const { stderr } = await tree.run(args, { user: person });
      expect(stderr.split(line)).toHaveLength(2);
      expect((await tree.run(['status'], { user: owner })).stderr).toBe('');
    } finally {
      for (const user of [owner, person]) await removeUser(user);
    }
  },
);
