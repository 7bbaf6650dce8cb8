/** What ssh and rrsync make of a key: broken, found, and mended by the command `check` names. */
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { type CheckCase, expectFoundInTurn } from '../../support/check/check-case.ts';
import { amiss, theFinding, useScene } from '../../support/check/check-scene.ts';
import { type CheckSshScene, createCheckSshScene } from '../../support/check/check-ssh-scene.ts';

const theScene = useScene(createCheckSshScene);
let scene: CheckSshScene;
beforeEach(() => {
  scene = theScene();
  scene.sendTo('pilos-good:/');
});

/** From the program to the key, for one and the same host. */
const ordinary: CheckCase[] = [
  {
    what: 'an ssh that does not run here',
    id: 'ssh',
    status: 78,
    says: /'ssh -V' fails/,
    spoil: ({ sh }) => {
      scene.sendTo(`pilos-ordinary:${scene.spool}`);
      return sh('mount --bind /bin/false /usr/bin/ssh');
    },
  },
  {
    what: 'a configuration of ssh that others may write',
    id: 'ssh',
    status: 78,
    says: /Bad owner or permissions on \S+config.*only its owner may write it/,
    spoil: ({ bbb, sh }) => sh(`chmod 666 ${bbb.home}/.ssh/config`),
  },
  {
    what: 'a configuration of ssh with a word that it does not know',
    id: 'ssh',
    status: 78,
    says: /Bad configuration option: nonsense.*correct that/,
    spoil: ({ bbb, sh }) => sh(`echo 'Nonsense yes' >>${bbb.home}/.ssh/config`),
    byHand: ({ bbb, sh }) => sh(`sed -i '$d' ${bbb.home}/.ssh/config`),
  },
  {
    what: 'a host key that has changed',
    id: 'host-key',
    status: 78,
    says: /host key of pilos-ordinary has changed/,
    spoil: async () => {
      await scene.server.stop();
      await scene.server.changeHostKey();
      await scene.server.start();
    },
  },
  {
    what: 'a host key that is not known',
    id: 'host-key',
    status: 78,
    says: /host key of pilos-ordinary is not known/,
    spoil: () => writeFileSync(scene.server.knownHostsPath, ''),
  },
  {
    what: 'a key that is not there',
    id: 'ssh-key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: ({ sh }) => sh(`rm ${scene.keyOf('ordinary')} ${scene.keyOf('ordinary')}.pub`),
  },
  {
    what: 'the key that was made, which is not admitted yet',
    id: 'ssh-key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: () => undefined,
  },
  {
    what: 'a key that others may read',
    id: 'ssh-key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: () => chmodSync(scene.keyOf('ordinary'), 0o644),
  },
  {
    what: 'a key with a passphrase',
    id: 'ssh-key',
    status: 77,
    says: /nobody types in the passphrase of \S+: remove it with 'ssh-keygen -p'$/,
    spoil: ({ bbb, sh }) =>
      sh(`runuser -u ${bbb.name} -- ssh-keygen -q -p -P '' -N secret -f ${scene.keyOf('ordinary')}`),
    byHand: ({ bbb, sh }) =>
      sh(`runuser -u ${bbb.name} -- ssh-keygen -q -p -P secret -N '' -f ${scene.keyOf('ordinary')}`),
  },
];

const commands: CheckCase[] = [
  {
    what: 'a key that may run something else than rsync',
    id: 'remote-rsync',
    status: 78,
    says: /is not rsync: correct its line in authorized_keys there$/,
    spoil: () => scene.sendTo(`pilos-refusing:${scene.spool}`),
    byHand: ({ sh }) => sh(`sed -i 's,command="/bin/false"\\,,,' ${scene.server.authorizedKeysPath}`),
  },
];

const options: CheckCase[] = [
  {
    what: 'an option that rrsync refuses',
    id: 'remote-rsync',
    status: 78,
    says: /refuses the option '-s'.*remove it from extra_rsync_opts/,
    spoil: () => scene.sendTo('pilos-good:/link', { extra_rsync_opts: ['--secluded-args'] }),
    byHand: () => scene.sendTo('pilos-good:/link'),
  },
  {
    what: 'a path that leads out of the directory of rrsync',
    id: 'remote-rsync',
    status: 78,
    says: /refuses: unsafe arg: \/link.*check 'rrsync DIR' in authorized_keys there$/,
    spoil: ({ sh }) => sh(`ln -s /tmp ${scene.spool}/link`),
    byHand: async ({ sh }) => {
      await sh(`rm ${scene.spool}/link`);
      await scene.makeDirectory(`${scene.spool}/link`);
    },
  },
  {
    what: 'options that delete, for a key that may not',
    id: 'remote-rsync',
    status: 78,
    says: /refuses to delete/,
    spoil: ({ sh }) => {
      scene.sendTo('pilos-good:/link', { extra_rsync_opts: ['--dirs', '--delete'] });
      return sh(`sed -i 's/-wo -no-lock/-no-del -no-lock/' ${scene.server.authorizedKeysPath}`);
    },
  },
];

const rights: CheckCase[] = [
  {
    what: 'a key of which there is no .pub, and that a user without ~/.ssh there does not admit',
    id: 'ssh-key',
    status: 77,
    says: /refuses our ssh key.*put PILOS' spool directory there in the place of \/THE\/SPOOL\/DIRECTORY$/,
    spoil: ({ pilos, sh }) => {
      scene.sendTo('pilos-good:/');
      return sh(`rm -r ${scene.keyOf('good')}.pub ${pilos.home}/.ssh`);
    },
    directory: () => scene.spool,
  },
  {
    what: 'a key that may only read',
    id: 'remote-rsync',
    status: 77,
    says: /is read-only/,
    spoil: ({ sh }) => sh(`sed -i 's/-wo -no-lock/-ro/' ${scene.server.authorizedKeysPath}`),
  },
  {
    what: 'a directory of rrsync that cannot be entered',
    id: 'remote-write',
    status: 77,
    says: /is not writable.*put PILOS' spool directory there in the place of \/THE\/SPOOL\/DIRECTORY$/,
    spoil: ({ sh }) => sh(`chown root:root ${scene.spool} && chmod 700 ${scene.spool}`),
    directory: () => scene.spool,
  },
];

it("meets another transfer that holds rrsync's lock, looks again, and is let in beside it by the command it names", async () => {
  scene.sendTo('pilos-locking:/');
  const { pid = 0 } = spawn('flock', [scene.spool, 'sleep', '120'], { stdio: 'ignore', detached: true });
  let report = await scene.look().finally(() => process.kill(-pid, 'SIGKILL'));
  expect(report.exit_status).toBe(0);
  expect(theFinding(report)).toMatchObject({
    id: 'remote-lock',
    problem: expect.stringContaining('another one is under way: look again later'),
  });
  report = await scene.look();
  expect(report.exit_status).toBe(0);
  const { id, problem, fix = '' } = theFinding(report);
  expect({ id, problem }).toEqual({
    id: 'remote-lock',
    problem: expect.stringContaining('of several BBB servers or formats, all but one wait'),
  });
  await scene.sh(fix);
  expect(amiss(await scene.look())).toEqual([]);
});

it('names the test file that a key without deletion leaves there, and mends the key', async () => {
  scene.sendTo('pilos-keeping:/');
  const report = await scene.look();
  const { id, state, fix = '', remedy_host: host } = theFinding(report);
  expect({ id, state, host }).toEqual({ id: 'remote-rename', state: 'warning', host: '127.0.0.1' });
  const written = report.findings.find((finding) => finding.id === 'remote-write');
  expect(written?.looked_at).toContain('pilos-post-publish-check in pilos-keeping:/, where it is left');
  expect(scene.spoolFiles()).toEqual(['pilos-post-publish-check']);
  await scene.sh(fix);
  expect(amiss(await scene.look())).toEqual([]);
  expect(scene.spoolFiles()).toEqual([]);
});

it.each([
  { what: 'from the ssh here to its key', cases: ordinary },
  { what: 'with what a key may run', cases: commands },
  { what: 'with what rrsync allows', cases: options },
])('what is wrong $what is found, and mended by what it names', ({ cases }) =>
  expectFoundInTurn(scene, cases),
);

// Last, since no other key is admitted afterwards.
it('what is wrong with a restricted key and its directory is found, and mended by what it names', () =>
  expectFoundInTurn(scene, rights));
