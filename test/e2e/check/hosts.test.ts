/** The other host, its rsync and its directories: broken, found, and fixed by its fix. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { hostId } from '../../../hook/system/run-token.ts';
import {
  type CheckCase,
  commandIn,
  expectFoundAndFixed,
  expectFoundInTurn,
} from '../../support/check/check-case.ts';
import { problemsIn, useScene } from '../../support/check/check-scene.ts';
import { type CheckSshScene, createCheckSshScene } from '../../support/check/check-ssh-scene.ts';
import { changeUserDatabase } from '../../support/program/users.ts';

const theScene = useScene(createCheckSshScene);
let scene: CheckSshScene;
beforeEach(() => {
  scene = theScene();
  sendToOrdinary();
});

/** With a key whose shell is an ordinary one, where rrsync makes no difference: that starts sooner. */
const sendToOrdinary = (further?: Record<string, unknown>) =>
  scene.sendTo(`pilos-ordinary:${scene.spool}`, further);

it('finds nothing wrong with the key that is recommended, and removes the test file there', async () => {
  scene.sendTo('pilos-good:/');
  const report = await scene.readReport();
  expect(problemsIn(report)).toEqual([]);
  const written = report.results.find(({ check }) => check === 'remote_write');
  expect(written?.title).toMatch(
    /^test file pilos-post-publish-check\.[0-9a-f]{8}\.0 in pilos-good:\/, which was removed again$/,
  );
  expect(scene.spoolFiles()).toEqual(['failed']);
});

it('sees no false alarm while other checks, and those of other servers, are under way', async () => {
  scene.sendTo('pilos-good:/');
  // Its own host name, and so another server.
  const asServer = (name: string) => ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', name];
  const servers = [[], [], asServer('bbb2'), asServer('bbb3'), asServer('bbb4')];
  const reports = await Promise.all(servers.map((by) => scene.readReport({ by })));
  expect(reports.map(problemsIn)).toEqual(servers.map(() => []));
  const names = reports.map(({ results }) => results.find(({ check }) => check === 'remote_write')?.title);
  expect(new Set(names).size).toBe(servers.length);
  expect(scene.spoolFiles()).toEqual(['failed']);
});

const connections: CheckCase[] = [
  {
    what: 'a host without an address',
    check: 'host',
    status: 73,
    says: /cannot be resolved/,
    spoil: ({ bbb, sh }) => sh(`sed -i 's/ 127.0.0.1$/ nowhere.invalid/' ${bbb.home}/.ssh/config`),
    byHand: ({ bbb, sh }) => sh(`sed -i 's/ nowhere.invalid$/ 127.0.0.1/' ${bbb.home}/.ssh/config`),
  },
  {
    what: 'a host that refuses the connection',
    check: 'host',
    status: 73,
    says: /refuses the connection/,
    spoil: () => scene.server.stop(),
    byHand: () => scene.server.start(),
  },
  {
    what: 'a host that takes the connection and says nothing',
    check: 'host',
    status: 73,
    says: /cannot be reached/,
    spoil: () => scene.server.freeze(),
    byHand: () => scene.server.thaw(),
  },
  {
    what: 'a host that ends the connection, because the account there has expired',
    check: 'host',
    status: 73,
    says: /the connection to pilos-ordinary was lost.*the log of sshd there/,
    spoil: ({ pilos }) => changeUserDatabase('usermod', ['--expiredate', '1', pilos.name]),
    byHand: ({ pilos }) => changeUserDatabase('usermod', ['--expiredate', '', pilos.name]),
  },
];

const options: CheckCase[] = [
  {
    what: 'an ssh that extra_rsync_opts names, and that is not there',
    check: 'host',
    status: 78,
    says: /Failed to exec \/opt\/none\/ssh/,
    spoil: () => sendToOrdinary({ extra_rsync_opts: ['--rsh=/opt/none/ssh'] }),
    byHand: () => sendToOrdinary(),
  },
  {
    what: 'an option that rsync there does not know',
    check: 'remote_rsync',
    status: 78,
    says: /on remote machine: --nonsense.*correct extra_rsync_opts/,
    spoil: () => sendToOrdinary({ extra_rsync_opts: ['--remote-option=--nonsense'] }),
    byHand: () => sendToOrdinary(),
  },
];

const shells: CheckCase[] = [
  {
    what: 'a login shell there that prints something',
    check: 'remote_rsync',
    status: 78,
    says: /prints something before rsync starts.*remove the output from ~\/\.bashrc/,
    spoil: ({ pilos, sh, tree }) => {
      scene.sendTo(`pilos-bare:${scene.spool}-other`);
      writeFileSync(join(pilos.home, '.bashrc'), 'echo Welcome to PILOS\n');
      return sh(`ln -s /usr/bin/rsync ${tree.root}/no-rsync/rsync`);
    },
    byHand: ({ pilos }) => writeFileSync(join(pilos.home, '.bashrc'), ''),
  },
  {
    what: 'an rsync that is missing there',
    check: 'remote_rsync',
    status: 78,
    says: /rsync is not installed on pilos-bare.*: run 'apt-get install rsync' there/,
    spoil: ({ sh, tree }) => sh(`rm ${tree.root}/no-rsync/rsync`),
    byHand: ({ sh }) => sh('apt-get install --yes rsync'),
  },
  {
    what: 'a directory that is missing there',
    check: 'remote_directory',
    status: 73,
    says: /does not exist.*: create it there/,
    spoil: () => undefined,
    byHand: async () => {
      await scene.makeDirectory(`${scene.spool}-other`);
      await scene.makeDirectory(`${scene.spool}-other/failed`);
    },
  },
  {
    what: 'a directory there that cannot be written',
    check: 'remote_write',
    status: 77,
    says: /is not writable.*: give it to the group pilos-spool there \(chgrp pilos-spool, chmod 2775\)/,
    spoil: ({ sh }) => sh(`chown root:root ${scene.spool}-other && chmod 755 ${scene.spool}-other`),
    byHand: ({ sh }) => sh(`chgrp pilos-spool ${scene.spool}-other && chmod 2775 ${scene.spool}-other`),
  },
  {
    what: 'something there that is in the way',
    check: 'remote_write',
    status: 73,
    says: /could not make way for new regular file/,
    spoil: ({ sh }) => sh(`mkdir -p ${scene.spool}-other/pilos-post-publish-check.${hostId()}.0/x`),
    byHand: ({ sh }) => sh(`rm -r ${scene.spool}-other/pilos-post-publish-check.*`),
  },
];

const restricted: CheckCase[] = [
  {
    what: 'an rrsync that has no python3 there',
    check: 'remote_rsync',
    status: 78,
    says: /python3 is missing there.*: run 'apt-get install python3' there/,
    spoil: () => scene.sendTo('pilos-pythonless:/a/b'),
    byHand: ({ sh }) => sh('apt-get install --yes rsync python3'),
  },
  {
    what: 'a nested directory that is missing there',
    check: 'remote_directory',
    status: 73,
    says: /pilos-pythonless:\/a\/b does not exist/,
    spoil: () => undefined,
    byHand: async () => {
      for (const path of ['a', 'a/b', 'a/b/failed']) await scene.makeDirectory(`${scene.spool}/${path}`);
    },
  },
];

const failed: CheckCase[] = [
  {
    what: 'a failed/ that PILOS would make for itself there',
    check: 'failed_directory',
    status: 0,
    says: /'failed' does not exist in pilos-ordinary:\S+: PILOS will create it.*: on the PILOS host, in \S+: mkdir failed && /,
    spoil: ({ sh }) => sh(`rmdir ${scene.spool}/failed`),
    command: (fix) =>
      `cd ${scene.spool} && ${commandIn(fix)} && test "$(stat -c %a%G failed)" = 2775pilos-spool`,
  },
];

it.each([
  { what: 'on the way to the host', cases: connections },
  { what: 'in extra_rsync_opts', cases: options },
  { what: 'for an ordinary key', cases: shells },
  { what: 'for a key that rrsync restricts', cases: restricted },
  { what: 'with what PILOS refuses', cases: failed },
])('what is wrong $what is found, and fixed by its fix', async ({ cases }) => {
  await expectFoundInTurn(scene, cases);
  expect(scene.spoolFiles().filter((name) => name.startsWith('pilos-post-publish'))).toEqual([]);
});

it('creates a sub directory that a meeting asks for, also from a directory that only root may enter, and opens it', async () => {
  const { bbb, sh, tree, spool } = scene;
  scene.sendTo('pilos-good:/');
  const meeting = tree.addMeeting({ subDir: 'one/two' });
  tree.giveTo(bbb);
  const closed = join(tree.root, 'closed');
  await sh(`install -d -m 700 ${closed}`);
  const report = await scene.readReport();
  expect(problemsIn(report)).toEqual(['sub_directory', 'undelivered?']);
  expect(report.status).toBe(73);
  for (const { fix = '' } of report.results.filter((one) => one.fix !== undefined))
    await sh(`cd ${closed} && ${fix}`);
  expect(readdirSync(join(spool, 'one/two'))).toEqual([`${meeting.id}-presentation.tar`]);
  await scene.makeDirectory(`${spool}/one/two/failed`);
  await expectFoundAndFixed(scene, {
    what: 'the same, which cannot be written any more',
    check: 'sub_directory',
    status: 77,
    says: /one\/two is not writable.*: give it to the group pilos-spool there/,
    spoil: () => sh(`chown root:root ${spool}/one/two && chmod 755 ${spool}/one/two`),
    byHand: () => sh(`chgrp pilos-spool ${spool}/one/two && chmod 2775 ${spool}/one/two`),
  });
});
