/** What ssh and rrsync make of a key: broken, found, and fixed by its fix. */
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { hostId } from '../../../hook/system/run-token.ts';
import { type CheckCase, expectFoundInTurn } from '../../support/check/check-case.ts';
import { problemsIn, theProblem, useScene } from '../../support/check/check-scene.ts';
import { type CheckSshScene, createCheckSshScene } from '../../support/check/check-ssh-scene.ts';

const theScene = useScene(createCheckSshScene);
let scene: CheckSshScene;
beforeEach(() => {
  scene = theScene();
  scene.sendTo('pilos-good:/');
});

/** ssh shows the fingerprint of a host key, and asks on a terminal. */
const answeringYes = (command: string) =>
  `(sleep 2; echo yes; sleep 3) | script --quiet --return --command '${command}' /dev/null`;

/** The line of a key, as the admin there adds it. */
const addingLine = (fix: string) => {
  const { pilos } = scene;
  const line = fix.split('(docs/ssh.md): ')[1]?.replaceAll('PILOS_SPOOL_DIRECTORY', scene.spool);
  return `install -d -m 700 -o ${pilos.uid} -g ${pilos.gid} ${pilos.home}/.ssh && echo '${line}' >> ${scene.server.authorizedKeysPath}`;
};

/** From the program to the key, for one and the same host. */
const ordinary: CheckCase[] = [
  {
    what: 'an ssh that does not run here',
    check: 'ssh',
    status: 78,
    says: /it does not: apt-get install --reinstall --yes openssh-client/,
    spoil: ({ sh }) => {
      scene.sendTo(`pilos-ordinary:${scene.spool}`);
      return sh('mount --bind /bin/false /usr/bin/ssh');
    },
  },
  {
    what: 'a configuration of ssh that others may write',
    check: 'ssh',
    status: 78,
    says: /refuses its configuration: 'Bad owner or permissions on \S+config': chown/,
    spoil: ({ bbb, sh }) => sh(`chmod 666 ${bbb.home}/.ssh/config`),
  },
  {
    what: 'a configuration of ssh with a word that it does not know',
    check: 'ssh',
    status: 78,
    says: /Bad configuration option: nonsense.*correct the line/,
    spoil: ({ bbb, sh }) => sh(`echo 'Nonsense yes' >>${bbb.home}/.ssh/config`),
    byHand: ({ bbb, sh }) => sh(`sed -i '$d' ${bbb.home}/.ssh/config`),
  },
  {
    what: 'a host key that has changed',
    check: 'host_key',
    status: 78,
    says: /host key of pilos-ordinary has changed/,
    spoil: async () => {
      await scene.server.stop();
      await scene.server.changeHostKey();
      await scene.server.start();
    },
    // After comparing the fingerprints.
    byHand: ({ bbb, sh }) =>
      sh(
        `cp /dev/null ${scene.server.knownHostsPath} && runuser -u ${bbb.name} -- ssh -o StrictHostKeyChecking=accept-new pilos-ordinary exit`,
      ),
  },
  {
    what: 'a host key that is not known',
    check: 'host_key',
    status: 78,
    says: /host key of pilos-ordinary is not known.*: runuser -u \S+ -- ssh -o StrictHostKeyChecking=ask pilos-ordinary exit/,
    command: answeringYes,
    spoil: () => writeFileSync(scene.server.knownHostsPath, ''),
  },
  {
    what: 'a key that is not there',
    check: 'ssh_key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: ({ sh }) => sh(`rm ${scene.keyOf('ordinary')} ${scene.keyOf('ordinary')}.pub`),
  },
  {
    what: 'the key that was made, which is not admitted yet',
    check: 'ssh_key',
    status: 77,
    says: /refuses our ssh key.*: on 127\.0\.0\.1, add to ~\S+\/authorized_keys \(docs\/ssh\.md\): restrict ssh-ed25519 /,
    command: addingLine,
    spoil: () => undefined,
  },
  {
    what: 'a key that others may read',
    check: 'ssh_key',
    status: 77,
    says: /refuses our ssh key/,
    spoil: () => chmodSync(scene.keyOf('ordinary'), 0o644),
  },
  {
    what: 'a key of root',
    check: 'ssh_key',
    status: 77,
    says: /refuses our ssh key.*: chown ppp-bbb-\S+: \S+ && chmod 600/,
    spoil: ({ sh }) => sh(`chown root: ${scene.keyOf('ordinary')}`),
  },
  {
    what: 'a key with a passphrase',
    check: 'ssh_key',
    status: 77,
    says: /remove its passphrase, which nobody types in: runuser -u \S+ -- ssh-keygen -p -f/,
    spoil: ({ bbb, sh }) =>
      sh(`runuser -u ${bbb.name} -- ssh-keygen -q -p -P '' -N secret -f ${scene.keyOf('ordinary')}`),
    byHand: ({ bbb, sh }) =>
      sh(`runuser -u ${bbb.name} -- ssh-keygen -q -p -P secret -N '' -f ${scene.keyOf('ordinary')}`),
  },
];

const commands: CheckCase[] = [
  {
    what: 'a key that may run something else than rsync',
    check: 'remote_rsync',
    status: 78,
    says: /ended without saying why: .*the key's line in authorized_keys is wrong/,
    spoil: () => scene.sendTo(`pilos-refusing:${scene.spool}`),
    byHand: ({ sh }) => sh(`sed -i 's,command="/bin/false"\\,,,' ${scene.server.authorizedKeysPath}`),
  },
];

const options: CheckCase[] = [
  {
    what: 'an option that rrsync refuses',
    check: 'remote_rsync',
    status: 78,
    says: /refuses the option '-s'.*remove it from extra_rsync_opts/,
    spoil: () => scene.sendTo('pilos-good:/link', { extra_rsync_opts: ['--secluded-args'] }),
    byHand: () => scene.sendTo('pilos-good:/link'),
  },
  {
    what: 'a path that leads out of the directory of rrsync',
    check: 'remote_rsync',
    status: 78,
    says: /refuses: unsafe arg: \/link.*check 'rrsync DIR' in authorized_keys there/,
    spoil: ({ sh }) => sh(`ln -s /tmp ${scene.spool}/link`),
    byHand: async ({ sh }) => {
      await sh(`rm ${scene.spool}/link`);
      await scene.makeDirectory(`${scene.spool}/link`);
      await scene.makeDirectory(`${scene.spool}/link/failed`);
    },
  },
  {
    what: 'options that delete, for a key that may not',
    check: 'remote_rsync',
    status: 78,
    says: /refuses to delete/,
    spoil: ({ sh }) => {
      scene.sendTo('pilos-good:/link', { extra_rsync_opts: ['--dirs', '--delete'] });
      return sh(`sed -i 's/-wo -no-lock/-no-del -no-lock/' ${scene.server.authorizedKeysPath}`);
    },
    byHand: ({ sh }) => sh(`sed -i 's/-no-del //' ${scene.server.authorizedKeysPath}`),
  },
  {
    what: 'an authorized_keys with another directory, which is not there',
    check: 'remote_directory',
    status: 73,
    says: /does not find its directory.*look at the key's line in authorized_keys there/,
    spoil: ({ sh }) =>
      sh(`sed -i 's,${scene.spool}",${scene.spool}-old",' ${scene.server.authorizedKeysPath}`),
    byHand: ({ sh }) =>
      sh(`sed -i 's,${scene.spool}-old",${scene.spool}",' ${scene.server.authorizedKeysPath}`),
  },
  {
    what: 'a path that authorized_keys has already',
    check: 'remote_directory',
    status: 73,
    says: /does not exist.*With a key that rrsync restricts, the path counts from the directory that authorized_keys names/,
    spoil: () => scene.sendTo(`pilos-good:${scene.spool}`),
    byHand: () => scene.sendTo('pilos-good:/link'),
  },
];

const rights: CheckCase[] = [
  {
    what: 'a key of which there is no .pub, and that a user without ~/.ssh there does not admit',
    check: 'ssh_key',
    status: 77,
    says: /refuses our ssh key.*: command="\/usr\/bin\/rrsync -wo -no-lock PILOS_SPOOL_DIRECTORY",restrict ssh-/,
    spoil: ({ pilos, sh }) => {
      scene.sendTo('pilos-good:/');
      return sh(`rm -r ${scene.keyOf('good')}.pub ${pilos.home}/.ssh`);
    },
    command: addingLine,
  },
  {
    what: 'a key that may only read',
    check: 'remote_rsync',
    status: 77,
    says: /is read-only/,
    spoil: ({ sh }) => sh(`sed -i 's/-wo -no-lock/-ro/' ${scene.server.authorizedKeysPath}`),
    byHand: ({ sh }) => sh(`sed -i 's/-ro/-wo -no-lock/' ${scene.server.authorizedKeysPath}`),
  },
  {
    what: 'a directory of rrsync that cannot be entered',
    check: 'remote_write',
    status: 77,
    says: /is not writable.*: give it to the group pilos-spool there/,
    spoil: ({ sh }) => sh(`chown root:root ${scene.spool} && chmod 700 ${scene.spool}`),
    byHand: ({ sh }) => sh(`chgrp pilos-spool ${scene.spool} && chmod 2775 ${scene.spool}`),
  },
];

it("meets another transfer that holds rrsync's lock, checks again, and is let in beside it by its fix", async () => {
  scene.sendTo('pilos-locking:/');
  const { pid = 0 } = spawn('flock', [scene.spool, 'sleep', '120'], { stdio: 'ignore', detached: true });
  let report = await scene.readReport().finally(() => process.kill(-pid, 'SIGKILL'));
  expect(report.exit_status).toBe(0);
  expect(theProblem(report)).toMatchObject({
    check: 'remote_lock',
    problem: expect.stringContaining('another one is under way: check again later'),
  });
  report = await scene.readReport();
  expect(report.exit_status).toBe(0);
  expect(theProblem(report)).toMatchObject({
    check: 'remote_lock',
    problem: expect.stringContaining('of several BBB servers or formats, all but one wait'),
    fix: "put 'rrsync -wo -no-lock DIR' into authorized_keys there (docs/ssh.md)",
  });
  await scene.sh(
    `sed -i 's/rrsync -wo /rrsync -wo -no-lock /; s/-no-lock -no-lock/-no-lock/' ${scene.server.authorizedKeysPath}`,
  );
  expect(problemsIn(await scene.readReport())).toEqual([]);
});

it('names the test file that a key without deletion leaves there', async () => {
  scene.sendTo('pilos-keeping:/');
  const report = await scene.readReport();
  expect(theProblem(report)).toMatchObject({
    check: 'remote_rename',
    state: 'warning',
    fix: expect.stringContaining("remove '-no-del' from authorized_keys there"),
  });
  const written = report.results.find(({ check }) => check === 'remote_write');
  expect(written?.title).toMatch(
    /pilos-post-publish-check\.\w+\.0\.renamed in pilos-keeping:\/, where it is left/,
  );
  expect(scene.spoolFiles()).toContain(`pilos-post-publish-check.${hostId()}.0.renamed`);
  await scene.sh(`sed -i 's/-no-del //' ${scene.server.authorizedKeysPath}`);
  expect(problemsIn(await scene.readReport())).toEqual([]);
  expect(scene.spoolFiles()).toEqual(['failed']);
});

it.each([
  { what: 'from the ssh here to its key', cases: ordinary },
  { what: 'with what a key may run', cases: commands },
  { what: 'with what rrsync allows', cases: options },
])('what is wrong $what is found, and fixed by its fix', ({ cases }) => expectFoundInTurn(scene, cases));

// Last, since no other key is admitted afterwards.
it('what is wrong with a restricted key and its directory is found, and fixed by its fix', () =>
  expectFoundInTurn(scene, rights));
