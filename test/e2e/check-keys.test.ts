import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type CheckCase, expectFoundAndMended } from '../support/check-case.ts';
import { amiss, theFinding } from '../support/check-scene.ts';
import { type CheckSshScene, createCheckSshScene } from '../support/check-ssh-scene.ts';

let scene: CheckSshScene;
beforeAll(async () => {
  scene = await createCheckSshScene();
});
afterAll(() => scene.dispose());
beforeEach(() => scene.sendTo('pilos-good:/'));

const keys: CheckCase[] = [
  {
    what: 'a key whose rrsync lets in one transfer at a time',
    id: 'remote-lock',
    status: 0,
    says: /allows one transfer at a time/,
    spoil: () => scene.sendTo('pilos-locking:/'),
  },
  {
    what: 'a key that may only read',
    id: 'remote-rsync',
    status: 77,
    says: /is read-only/,
    spoil: () => scene.sendTo('pilos-reading:/'),
  },
  {
    what: 'a key that is not admitted',
    id: 'ssh-key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: ({ bbb, sh }) => {
      scene.sendTo(`pilos-ordinary:${scene.spool}`);
      const [, key = ''] = readFileSync(join(bbb.home, '.ssh/id_ed25519_ordinary.pub'), 'utf8').split(' ');
      return sh(
        `grep -vF '${key}' ${scene.server.authorizedKeysPath} > ${scene.server.authorizedKeysPath}.new; cat ${scene.server.authorizedKeysPath}.new > ${scene.server.authorizedKeysPath}`,
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
      scene.sendTo(`pilos-ordinary:${scene.spool}`);
      writeFileSync(scene.server.knownHostsPath, '');
    },
  },
  {
    what: 'a host key that has changed',
    id: 'host-key',
    status: 78,
    says: /host key of pilos-ordinary has changed/,
    spoil: async () => {
      scene.sendTo(`pilos-ordinary:${scene.spool}`);
      await scene.server.stop();
      await scene.server.changeHostKey();
      await scene.server.start();
    },
  },
];

const tell = '$what is found, and mended by the command it names';
const mends = (one: CheckCase) => expectFoundAndMended(scene, one);
it.each(keys)(tell, mends);

it("meets another transfer that holds rrsync's lock, and is let in beside it by the command it names", async () => {
  scene.sendTo('pilos-locking:/');
  await scene.sh(`sed -i 's/rrsync -no-lock -wo/rrsync -wo/' ${scene.server.authorizedKeysPath}`);
  const { pid = 0 } = spawn('flock', [scene.spool, 'sleep', '120'], { stdio: 'ignore', detached: true });
  try {
    const { id, problem, remedy = '' } = theFinding(await scene.look());
    expect({ id, problem }).toEqual({
      id: 'remote-lock',
      problem: expect.stringContaining('another one is under way: look again later'),
    });
    await scene.sh(remedy);
    expect(amiss(await scene.look())).toEqual([]);
  } finally {
    process.kill(-pid, 'SIGKILL');
  }
});

it('names the test file that a key without deletion leaves there, and mends the key', async () => {
  scene.sendTo('pilos-keeping:/');
  const report = await scene.look();
  const { id, state, remedy = '', remedy_host: host } = theFinding(report);
  expect({ id, state, host }).toEqual({ id: 'remote-rename', state: 'warning', host: '127.0.0.1' });
  const written = report.findings.find((finding) => finding.id === 'remote-write');
  expect(written?.looked_at).toContain('pilos-post-publish-check in pilos-keeping:/, where it is left');
  expect(scene.spoolFiles()).toEqual(['pilos-post-publish-check']);
  await scene.sh(remedy);
  expect(amiss(await scene.look())).toEqual([]);
  expect(scene.spoolFiles()).toEqual([]);
});

it('without a key, leads from making one to admitting it', async () => {
  scene.sendTo(`pilos-ordinary:${scene.spool}`);
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
