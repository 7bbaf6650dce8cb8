/** ssh, rsync and rrsync of older and newer Debians, on either side: new, again, cut, and without a directory. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createBbbTree } from '../support/bbb/bbb-tree.ts';
import { compareTrees } from '../support/files/compare-trees.ts';
import { importSpool } from '../support/pilos/import-spool.ts';
import { startProgram } from '../support/program/run-program.ts';
import { printFigure, sized } from '../support/program/test-size.ts';
import { createBbbUser, createPilosUser, removeUser } from '../support/program/users.ts';
import { createDebianRelease } from '../support/rsync/debian-release.ts';
import { whenArrived } from '../support/rsync/rsync-sender.ts';
import { startSshServer } from '../support/rsync/ssh-server.ts';
import { createUndo } from './support/undo.ts';

const { undo, undoAll } = createUndo();
afterEach(undoAll);

const keys = ['ordinary', 'restricted'] as const;
const sides = ['PILOS', 'BBB'] as const;
type Key = (typeof keys)[number];

/** The root of a release takes minutes to make, and a network: only at full length. */
const cases =
  sized(0, 1) === 0
    ? []
    : ['bullseye', 'bookworm', 'trixie'].flatMap((suite) =>
        sides.flatMap((side) => keys.map((key) => ({ suite, side, key }))),
      );

const size = 6_000_000;

/** A BBB server and a PILOS host, one of which runs the programs of another release. */
async function createServers(suite: string, side: (typeof sides)[number], key: Key) {
  const root = mkdtempSync(join(tmpdir(), `${suite}-`));
  chmodSync(root, 0o755);
  const release = await createDebianRelease(suite, root, undo);
  const pilosUser = await createPilosUser();
  undo(() => removeUser(pilosUser));
  const bbbUser = await createBbbUser();
  undo(() => removeUser(bbbUser));
  const spool = join(pilosUser.home, 'spool');
  const directory = join(spool, 'instance1');
  mkdirSync(directory, { recursive: true });
  for (const path of [spool, directory]) {
    chownSync(path, pilosUser.uid, pilosUser.gid);
    chmodSync(path, 0o2775);
  }
  // Perl's rrsync, before Debian 12, does not know -no-lock, and has no lock.
  const flags = side === 'PILOS' && suite === 'bullseye' ? '-wo' : '-wo -no-lock';
  const server = await startSshServer({
    ...{ pilosUser, bbbUser, directory: join(pilosUser.home, 'sshd') },
    keys: { ordinary: '', restricted: `command="/usr/bin/rrsync ${flags} ${spool}",restrict` },
    ...(side === 'PILOS' ? { enter: release.enter([pilosUser.home], [pilosUser]) } : {}),
  });
  undo(() => server.stop());
  const tree = createBbbTree({
    spool: `${server.hosts[key]}:${key === 'ordinary' ? spool : '/'}`,
    pilos: { extra_rsync_opts: ['--bwlimit=3m'], retry: { attempts: 1 } },
  });
  undo(() => tree.remove());
  const meeting = tree.addMeeting({ subDir: 'instance1', files: { 'video.webm': randomBytes(size) } });
  const small = tree.addMeeting({ subDir: 'instance1' });
  const lost = tree.addMeeting({ subDir: 'missing' });
  tree.installHook();
  tree.giveTo(bbbUser);
  const by = side === 'BBB' ? release.enter([tree.root, bbbUser.home], [bbbUser]) : [];
  const start = ({ id }: { id: string }) => {
    const program = join(tree.postPublishDir, 'pilos-post-publish');
    const [first = '', ...words] = [...by, program, '-m', id, '-f', 'presentation'];
    return startProgram(first, words, { env: tree.env, cwd: '/' });
  };
  return { versions: release.versions, server, spool, directory, tree, meeting, small, lost, start };
}

it('has the programs of three releases at full length', () => {
  expect(cases).toHaveLength(sized(0, 12));
});

for (const { suite, side, key } of cases)
  it(`delivers with ${suite} as the ${side} server, with the ${key} key`, {
    timeout: 15 * 60_000,
  }, async () => {
    const servers = await createServers(suite, side, key);
    const { server, spool, directory, tree, meeting, small, lost, start } = servers;
    const partial = `${meeting.id}-presentation`;
    const archive = `${partial}.tar`;

    const cut = start(meeting);
    const early = cut.result.then(({ stderr }) => Promise.reject(new Error(`ended too soon: ${stderr}`)));
    early.catch(() => undefined);
    await Promise.race([whenArrived(join(directory, partial), size / 2), early]);
    await server.killConnections();
    expect(await cut.result).toMatchObject({ status: 75, stderr: expect.stringContaining('was lost') });
    expect(readdirSync(directory)).toEqual([partial]);
    expect(await start(meeting).result).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(directory)).toEqual([archive]);

    // Nothing is sent while PILOS has it; where nobody remembers, it takes the place of the one that is there.
    // The next one may be sent in the same second: this one is older.
    utimesSync(join(directory, archive), new Date(0), new Date(0));
    const { mtimeMs } = statSync(join(directory, archive));
    expect(await start(meeting).result).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(join(directory, archive)).mtimeMs).toBe(mtimeMs);
    rmSync(join(tree.workDir, 'ledger'), { recursive: true });
    expect(await start(meeting).result).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(join(directory, archive)).mtimeMs).not.toBe(mtimeMs);
    expect(readdirSync(directory)).toEqual([archive]);
    // One that is sent whole, twice: the second replaces the first.
    for (let times = 0; times < 2; times += 1) {
      rmSync(join(tree.workDir, 'ledger'), { recursive: true });
      expect(await start(small).result).toMatchObject({ status: 0, stderr: '' });
      expect(readdirSync(directory).sort()).toEqual([archive, `${small.id}-presentation.tar`].sort());
    }
    const store = join(tree.root, 'store');
    mkdirSync(store);
    for (const { formats } of await importSpool(directory, store)) {
      const sent = [meeting, small].find(({ id }) => id === formats[0]?.id);
      expect(compareTrees(sent?.published('presentation') ?? '', formats[0]?.storedIn ?? '')).toEqual([]);
    }
    expect(readdirSync(directory)).toEqual([]);

    const missing = await start(lost).result;
    expect(missing.status).toBe(73);
    expect(missing.stderr).toContain('missing does not exist');
    expect(readdirSync(spool)).toEqual(['instance1']);
    printFigure(`${suite} as the ${side} server (${servers.versions}), ${key} key: delivered`);
  });
