/** A spool on another host, with real keys, sshd and rrsync: broken, found, and mended by the command `check` names. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CheckCase, expectFoundAndMended } from '../support/check-case.ts';
import { amiss, type CheckScene, createCheckScene, theFinding } from '../support/check-scene.ts';
import { type SshServer, startSshServer } from '../support/ssh-server.ts';

type Scenario = 'ordinary' | 'good' | 'locking' | 'keeping' | 'reading' | 'bare';

let scene: CheckScene;
let server: SshServer<Scenario>;
/** PILOS' spool, on "the other host". */
let spool: string;

beforeAll(async () => {
  scene = await createCheckScene({ mount: false, spool: 'pilos-good:/' });
  const { bbb, pilos, tree } = scene;
  spool = join(pilos.home, 'spool');
  await scene.sh(`install -d -m 2775 -o ${pilos.uid} -g ${pilos.gid} ${spool}`);
  await scene.sh(`install -d ${tree.root}/no-rsync`);
  const restricted = (flags: string) => `command="/usr/bin/rrsync ${flags} ${spool}",restrict`;
  server = await startSshServer<Scenario>({
    ...{ pilosUser: pilos, bbbUser: bbb, directory: join(tree.root, 'sshd') },
    keys: {
      ordinary: 'restrict',
      good: restricted('-wo -no-lock'),
      locking: restricted('-wo'),
      keeping: restricted('-no-del -no-lock'),
      reading: restricted('-ro'),
      bare: `environment="PATH=${tree.root}/no-rsync"`,
    },
  });
});
afterAll(async () => {
  await server.stop();
  await scene.dispose();
});

/** Writes `spool_dir`. */
function sendTo(address: string, further: Record<string, unknown> = {}): void {
  const { pilosYml } = scene.tree;
  const settings = load(readFileSync(pilosYml, 'utf8')) as Record<string, unknown>;
  writeFileSync(pilosYml, dump({ work_dir: settings['work_dir'], spool_dir: address, ...further }));
}
beforeEach(() => sendTo('pilos-good:/'));

describe('nothing is wrong', () => {
  it('with the key that is recommended, and the test file is removed there', async () => {
    const report = await scene.look();
    expect(amiss(report)).toEqual([]);
    const written = report.findings.find(({ id }) => id === 'remote-write');
    expect(written?.looked_at).toBe(
      'test file pilos-post-publish-check in pilos-good:/, which was removed again',
    );
    expect(readdirSync(spool)).toEqual([]);
  });

  it('with an ordinary key', async () => {
    sendTo(`pilos-ordinary:${spool}`);
    expect(amiss(await scene.look())).toEqual([]);
    expect(readdirSync(spool)).toEqual([]);
  });

  it('with an rsync daemon', async () => {
    const port = 20_000 + (process.pid % 20_000);
    const daemon = join(scene.tree.root, 'rsyncd.conf');
    writeFileSync(
      daemon,
      `use chroot = no\nport = ${port}\naddress = 127.0.0.1\npid file = ${daemon}.pid\n[spool]\npath = ${spool}\nread only = no\nuid = ${scene.pilos.uid}\ngid = ${scene.pilos.gid}\n`,
    );
    // With a socket for stdin, as Node makes it, rsync takes inetd for its parent.
    execFileSync('rsync', ['--daemon', `--config=${daemon}`], { stdio: 'ignore' });
    try {
      sendTo(`rsync://127.0.0.1:${port}/spool`);
      expect(amiss(await scene.look())).toEqual([]);
      expect(readdirSync(spool)).toEqual([]);
    } finally {
      process.kill(Number(readFileSync(`${daemon}.pid`, 'utf8')));
    }
  });
});

const keys: CheckCase[] = [
  {
    what: 'a key whose rrsync lets in one transfer at a time',
    id: 'remote-lock',
    status: 0,
    says: /allows one transfer at a time/,
    spoil: () => sendTo('pilos-locking:/'),
  },
  {
    what: 'a key that may only read',
    id: 'remote-rsync',
    status: 77,
    says: /is read-only/,
    spoil: () => sendTo('pilos-reading:/'),
  },
  {
    what: 'a key that is not admitted',
    id: 'ssh-key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: ({ bbb, sh }) => {
      sendTo(`pilos-ordinary:${spool}`);
      const [, key = ''] = readFileSync(join(bbb.home, '.ssh/id_ed25519_ordinary.pub'), 'utf8').split(' ');
      return sh(
        `grep -vF '${key}' ${server.authorizedKeysPath} > ${server.authorizedKeysPath}.new; cat ${server.authorizedKeysPath}.new > ${server.authorizedKeysPath}`,
      );
    },
  },
  {
    what: 'a key that others may read',
    id: 'ssh-key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: ({ bbb }) => chmodSync(join(bbb.home, '.ssh/id_ed25519_good'), 0o644),
  },
  {
    what: 'a host key that is not known',
    id: 'host-key',
    status: 78,
    says: /host key of pilos-ordinary is not known/,
    spoil: () => {
      sendTo(`pilos-ordinary:${spool}`);
      writeFileSync(server.knownHostsPath, '');
    },
  },
  {
    what: 'a host key that has changed',
    id: 'host-key',
    status: 78,
    says: /host key of pilos-ordinary has changed/,
    spoil: async () => {
      sendTo(`pilos-ordinary:${spool}`);
      await server.stop();
      await server.changeHostKey();
      await server.start();
    },
  },
];

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
    spoil: () => sendTo(`pilos-bare:${spool}`),
  },
  {
    what: 'a directory that is missing there',
    id: 'remote-directory',
    status: 73,
    says: /does not exist/,
    spoil: () => sendTo(`pilos-ordinary:${spool}-other`),
  },
  {
    what: 'a directory there that cannot be written',
    id: 'remote-write',
    status: 77,
    says: /is not writable/,
    spoil: ({ sh }) => {
      sendTo(`pilos-ordinary:${spool}-other`);
      return sh(`chown root:root ${spool}-other && chmod 755 ${spool}-other`);
    },
  },
  {
    what: 'a host that refuses the connection',
    id: 'host',
    status: 73,
    says: /refuses the connection/,
    spoil: () => server.stop(),
    byHand: () => server.start(),
  },
  {
    what: 'a host without an address',
    id: 'host',
    status: 73,
    says: /cannot be resolved/,
    spoil: () => sendTo('nowhere.invalid:/'),
    byHand: () => sendTo('pilos-good:/'),
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
it.each(keys)(tell, mends);
it.each(hosts)(tell, mends);

it('names the test file that a key without deletion leaves there, and mends the key', async () => {
  sendTo('pilos-keeping:/');
  const report = await scene.look();
  const { id, state, remedy = '', remedy_host: host } = theFinding(report);
  expect({ id, state, host }).toEqual({ id: 'remote-rename', state: 'warning', host: '127.0.0.1' });
  const written = report.findings.find((finding) => finding.id === 'remote-write');
  expect(written?.looked_at).toContain('pilos-post-publish-check in pilos-keeping:/, where it is left');
  expect(readdirSync(spool)).toEqual(['pilos-post-publish-check']);
  await scene.sh(remedy);
  expect(amiss(await scene.look())).toEqual([]);
  expect(readdirSync(spool)).toEqual([]);
});

it('without a key, leads from making one to admitting it', async () => {
  sendTo(`pilos-ordinary:${spool}`);
  const key = join(scene.bbb.home, '.ssh/id_ed25519_ordinary');
  for (const file of [key, `${key}.pub`]) rmSync(file);
  for (const step of [/ssh-keygen .*-f \S+id_ed25519_ordinary$/, /^echo 'restrict ssh-ed25519 /]) {
    const { id, remedy = '' } = theFinding(await scene.look());
    expect({ id, remedy }).toEqual({ id: 'ssh-key', remedy: expect.stringMatching(step) });
    await scene.sh(remedy);
  }
  expect(existsSync(key)).toBe(true);
  expect(amiss(await scene.look())).toEqual([]);
});

it('creates a sub directory that a meeting asks for, with the command it names', async () => {
  const { bbb, sh, tree } = scene;
  const meeting = tree.addMeeting({ subDir: 'one/two' });
  tree.giveTo(bbb);
  const report = await scene.look();
  expect(amiss(report)).toEqual(['sub-directory', 'undelivered?']);
  expect(report.status).toBe(73);
  for (const { remedy = '' } of report.findings.filter((finding) => finding.remedy !== undefined))
    await sh(remedy);
  expect(amiss(await scene.look())).toEqual([]);
  expect(readdirSync(join(spool, 'one/two'))).toEqual([`${meeting.id}-presentation.tar`]);
});

it('gives up on a host that takes the connection and says nothing, after some seconds', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  try {
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    sendTo('pilos-good:/', {
      extra_rsync_opts: [`--rsh=ssh -o BatchMode=yes -o ConnectTimeout=5 -p ${address.port}`],
    });
    const report = await scene.look();
    expect(theFinding(report)).toMatchObject({ id: 'host', exit_status: 73 });
    expect(report.milliseconds).toBeLessThan(20_000);
  } finally {
    silent.close();
  }
});
