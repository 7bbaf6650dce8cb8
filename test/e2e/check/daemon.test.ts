/** A spool behind an rsync daemon, and what does not depend on how it is reached: broken, found, and fixed. */
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { hostId } from '../../../hook/system/run-token.ts';
import { type CheckCase, expectFoundInTurn } from '../../support/check/check-case.ts';
import { type CheckDaemonScene, createCheckDaemonScene } from '../../support/check/check-daemon-scene.ts';
import { problemsIn, useScene } from '../../support/check/check-scene.ts';

const theScene = useScene(createCheckDaemonScene);
let scene: CheckDaemonScene;
beforeEach(() => {
  scene = theScene();
  scene.daemon.configure();
  scene.sendTo(scene.daemon.url);
});

it('finds nothing wrong, and removes the test file there', async () => {
  expect(problemsIn(await scene.readReport())).toEqual([]);
  expect(scene.spoolFiles()).toEqual(['failed']);
});

/** What only the admin of the daemon can change. */
const configures = (...lines: string[]) => ({
  spoil: () => scene.daemon.configure(...lines),
  byHand: () => scene.daemon.configure(),
});
const deletion = "or delete and backup from 'refuse options' in rsyncd.conf";

const here: CheckCase[] = [
  {
    what: 'an rsync that is missing here',
    check: 'rsync',
    status: 78,
    says: /it does not: apt-get install --reinstall --yes rsync/,
    spoil: ({ sh }) => sh('mount --bind /dev/null /usr/bin/rsync'),
  },
  {
    what: 'an option that rsync here does not know',
    check: 'host',
    status: 78,
    says: /'rsync: --nonsense: unknown option'.*correct extra_rsync_opts/,
    spoil: () => scene.sendTo(scene.daemon.url, { extra_rsync_opts: ['--nonsense'] }),
    byHand: () => scene.sendTo(scene.daemon.url),
  },
  {
    what: 'little space for archives here',
    check: 'work_space',
    status: 0,
    says: /a recording may be larger/,
    spoil: ({ bbb, sh, tree }) =>
      sh(`mount -t tmpfs -o size=500m,uid=${bbb.uid},gid=${bbb.gid} tmpfs ${tree.workDir}`),
    byHand: ({ sh, tree }) => sh(`umount ${tree.workDir}`),
  },
];

const modules: CheckCase[] = [
  {
    what: 'a daemon that allows no more connections',
    check: 'host',
    status: 73,
    says: /as many connections as it allows.*raise 'max connections'/,
    ...configures('max connections = -1'),
  },
  {
    what: 'a module that the daemon does not have',
    check: 'remote_rsync',
    status: 78,
    says: /has no such module.*check spool_dir in pilos\.yml$/,
    spoil: () => scene.sendTo(`${scene.daemon.url}-other`),
    byHand: () => scene.sendTo(scene.daemon.url),
  },
  {
    what: "a daemon that refuses this server's address",
    check: 'remote_rsync',
    status: 77,
    says: /refuses this server's address.*add the address to 'hosts allow'/,
    ...configures('hosts deny = 127.0.0.1'),
  },
  {
    what: 'a module whose user does not exist there',
    check: 'remote_rsync',
    status: 78,
    says: /@ERROR: invalid uid nobody-there.*correct the module in rsyncd\.conf there$/,
    ...configures('uid = nobody-there'),
  },
  {
    what: 'a password that the daemon wants',
    check: 'remote_rsync',
    status: 77,
    says: /refuses our user or password.*'--password-file=FILE' into extra_rsync_opts/,
    spoil: async ({ bbb, sh, tree }) => {
      const [secrets, password] = [join(tree.root, 'secrets'), join(bbb.home, 'password')];
      await sh(
        `umask 077; echo bbb:right >${secrets}; echo right >${password}; chown ${bbb.name} ${password}`,
      );
      scene.daemon.configure('auth users = bbb', `secrets file = ${secrets}`);
    },
    byHand: ({ bbb }) =>
      scene.sendTo(scene.daemon.url.replace('//', '//bbb@'), {
        extra_rsync_opts: [`--password-file=${bbb.home}/password`],
      }),
  },
  {
    what: 'a module that is read-only',
    check: 'remote_rsync',
    status: 77,
    says: /is read-only.*'read only = no' in rsyncd\.conf$/,
    ...configures('read only = true'),
  },
];

const directories: CheckCase[] = [
  {
    what: 'a nested directory that is missing in the module',
    check: 'remote_directory',
    status: 73,
    says: /\/a\/b does not exist.*create it there/,
    spoil: () => scene.sendTo(`${scene.daemon.url}/a/b`),
    byHand: async () => {
      await scene.makeDirectory(`${scene.spool}/a`);
      await scene.makeDirectory(`${scene.spool}/a/b`);
      await scene.makeDirectory(`${scene.spool}/a/b/failed`);
    },
  },
  {
    what: 'a disk there that is full',
    check: 'remote_write',
    status: 73,
    says: /the disk of 127\.0\.0\.1 is full.*free some space there/,
    spoil: async ({ sh }) => {
      await sh(`mount -t tmpfs -o size=64k tmpfs ${scene.spool}/a/b`);
      await scene.makeDirectory(`${scene.spool}/a/b`);
      await scene.makeDirectory(`${scene.spool}/a/b/failed`);
      await sh(`head -c 64k /dev/zero >${scene.spool}/a/b/filler`);
    },
    byHand: ({ sh }) => sh(`rm ${scene.spool}/a/b/filler`),
  },
];

const renamings: CheckCase[] = [
  {
    what: 'a daemon that refuses to delete',
    check: 'remote_rename',
    status: 0,
    says: new RegExp(`starts again at its first byte: .*${deletion}$`),
    ...configures('refuse options = delete backup'),
  },
  {
    what: 'something that removes files there before they are renamed',
    check: 'remote_rename',
    status: 73,
    says: /was sent to \S+, but is not there any more: check whether something else removes files there/,
    spoil: () =>
      scene.daemon.configure(
        `pre-xfer exec = rm -f ${scene.spool}/a/b/pilos-post-publish-check.${hostId()}.0`,
      ),
    byHand: () => scene.daemon.configure(),
  },
  {
    what: 'a directory there in which nothing can be renamed',
    check: 'remote_rename',
    status: 77,
    says: /Operation not permitted.*look for its attributes \('lsattr -d'\)/,
    spoil: async ({ sh, tree }) => {
      const image = join(tree.root, 'image');
      await sh(
        `truncate -s 4m ${image} && mkfs.ext4 -q ${image} && mount -o loop ${image} ${scene.spool}/a/b`,
      );
      await scene.makeDirectory(`${scene.spool}/a/b`);
      await scene.makeDirectory(`${scene.spool}/a/b/failed`);
      await sh(`chattr +a ${scene.spool}/a/b`);
    },
    byHand: ({ sh }) => sh(`chattr -a ${scene.spool}/a/b`),
  },
];

it.each([
  { what: 'on this server', cases: here },
  { what: 'with the daemon', cases: modules },
  { what: 'with its directory', cases: [...directories, ...renamings] },
])('what is wrong $what is found, and fixed by its fix', ({ cases }) => expectFoundInTurn(scene, cases));
