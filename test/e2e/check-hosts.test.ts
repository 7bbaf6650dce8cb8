/** The other host, its rsync and its directories: broken, found, and mended by the command `check` names. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CheckCase, expectFoundAndMended } from '../support/check-case.ts';
import { amiss, theFinding } from '../support/check-scene.ts';
import { type CheckSshScene, createCheckSshScene } from '../support/check-ssh-scene.ts';

let scene: CheckSshScene;
beforeAll(async () => {
  scene = await createCheckSshScene();
});
afterAll(() => scene.dispose());
beforeEach(() => scene.sendTo('pilos-good:/'));

describe('nothing is wrong', () => {
  it('with the key that is recommended, and the test file is removed there', async () => {
    const report = await scene.look();
    expect(amiss(report)).toEqual([]);
    const written = report.findings.find(({ id }) => id === 'remote-write');
    expect(written?.looked_at).toBe(
      'test file pilos-post-publish-check in pilos-good:/, which was removed again',
    );
    expect(scene.spoolFiles()).toEqual([]);
  });

  it('with an ordinary key', async () => {
    scene.sendTo(`pilos-ordinary:${scene.spool}`);
    expect(amiss(await scene.look())).toEqual([]);
    expect(scene.spoolFiles()).toEqual([]);
  });

  it('with an rsync daemon', async () => {
    const port = 20_000 + (process.pid % 20_000);
    const daemon = join(scene.tree.root, 'rsyncd.conf');
    writeFileSync(
      daemon,
      `use chroot = no\nport = ${port}\naddress = 127.0.0.1\npid file = ${daemon}.pid\n[spool]\npath = ${scene.spool}\nread only = no\nuid = ${scene.pilos.uid}\ngid = ${scene.pilos.gid}\n`,
    );
    // With a socket for stdin, as Node makes it, rsync takes inetd for its parent.
    execFileSync('rsync', ['--daemon', `--config=${daemon}`], { stdio: 'ignore' });
    try {
      scene.sendTo(`rsync://127.0.0.1:${port}/spool`);
      expect(amiss(await scene.look())).toEqual([]);
      expect(scene.spoolFiles()).toEqual([]);
    } finally {
      process.kill(Number(readFileSync(`${daemon}.pid`, 'utf8')));
    }
  });
});

const hosts: CheckCase[] = [
  {
    what: 'an rsync that is missing here',
    id: 'rsync',
    status: 78,
    says: /no rsync on the PATH/,
    spoil: ({ sh }) => sh('mount --bind /dev/null /usr/bin/rsync'),
  },
  {
    what: 'an ssh that is missing here',
    id: 'ssh',
    status: 78,
    says: /no ssh on the PATH/,
    spoil: ({ sh }) => sh('mount --bind /dev/null /usr/bin/ssh'),
  },
  {
    what: 'an rsync that is missing there',
    id: 'remote-rsync',
    status: 78,
    says: /rsync is not installed on pilos-bare/,
    spoil: () => scene.sendTo(`pilos-bare:${scene.spool}`),
  },
  {
    what: 'a directory that is missing there',
    id: 'remote-directory',
    status: 73,
    says: /does not exist/,
    spoil: () => scene.sendTo(`pilos-ordinary:${scene.spool}-other`),
  },
  {
    what: 'a directory there that cannot be written',
    id: 'remote-write',
    status: 77,
    says: /is not writable/,
    spoil: ({ sh }) => {
      scene.sendTo(`pilos-ordinary:${scene.spool}-other`);
      return sh(`chown root:root ${scene.spool}-other && chmod 755 ${scene.spool}-other`);
    },
  },
  {
    what: 'a host that refuses the connection',
    id: 'host',
    status: 73,
    says: /refuses the connection/,
    spoil: () => scene.server.stop(),
    byHand: () => scene.server.start(),
  },
  {
    what: 'a host without an address',
    id: 'host',
    status: 73,
    says: /cannot be resolved/,
    spoil: () => scene.sendTo('nowhere.invalid:/'),
    byHand: () => scene.sendTo('pilos-good:/'),
  },
  {
    what: 'little space for archives here',
    id: 'work-space',
    status: 0,
    says: /a recording may be larger/,
    spoil: ({ bbb, sh, tree }) =>
      sh(`mount -t tmpfs -o size=500m,uid=${bbb.uid},gid=${bbb.gid} tmpfs ${tree.workDir}`),
    byHand: ({ sh, tree }) => sh(`umount ${tree.workDir}`),
  },
];

const tell = '$what is found, and mended by the command it names';
const mends = (one: CheckCase) => expectFoundAndMended(scene, one);
it.each(hosts)(tell, mends);

it('creates a sub directory that a meeting asks for, with the command it names, also from a directory that only root may enter', async () => {
  const { bbb, sh, tree } = scene;
  const meeting = tree.addMeeting({ subDir: 'one/two' });
  tree.giveTo(bbb);
  const closed = join(tree.root, 'closed');
  await sh(`install -d -m 700 ${closed}`);
  const report = await scene.look();
  expect(amiss(report)).toEqual(['sub-directory', 'undelivered?']);
  expect(report.status).toBe(73);
  for (const { remedy = '' } of report.findings.filter((finding) => finding.remedy !== undefined))
    await sh(`cd ${closed} && ${remedy}`);
  expect(amiss(await scene.look())).toEqual([]);
  expect(readdirSync(join(scene.spool, 'one/two'))).toEqual([`${meeting.id}-presentation.tar`]);
});

it('gives up on a host that takes the connection and says nothing, after some seconds', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  try {
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    scene.sendTo('pilos-good:/', {
      extra_rsync_opts: [`--rsh=ssh -o BatchMode=yes -o ConnectTimeout=5 -p ${address.port}`],
    });
    const report = await scene.look();
    expect(theFinding(report)).toMatchObject({ id: 'host', exit_status: 73 });
    expect(report.milliseconds).toBeLessThan(20_000);
  } finally {
    silent.close();
  }
});
