/** A spool that is a directory: each thing is broken alone, found alone, and mended by the command `check` names. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { type CheckCase, itFindsAndMends } from '../../support/check/check-case.ts';
import { amiss, type CheckScene, createCheckScene, useScene } from '../../support/check/check-scene.ts';

const scene = useScene(createCheckScene);

const unmount = ({ sh, tree }: CheckScene) => sh(`umount ${tree.spoolDir}`);
const mountAgain = ({ sh, tree }: CheckScene) =>
  sh(`cp /etc/fstab.kept /etc/fstab && mount ${tree.spoolDir} && sed -i /^require_mount/d ${tree.pilosYml}`);

const directory: CheckCase[] = [
  {
    what: 'a missing mount point',
    id: 'spool-directory',
    status: 73,
    says: /does not exist/,
    spoil: ({ sh, tree }) => sh(`umount ${tree.spoolDir} && rmdir ${tree.spoolDir}`),
  },
  {
    what: 'a file in the place of the spool',
    id: 'spool-directory',
    status: 78,
    says: /it is no directory: correct spool_dir/,
    spoil: ({ sh, tree }) =>
      sh(
        `touch ${tree.root}/file && sed -i 's|^spool_dir:.*|spool_dir: ${tree.root}/file|' ${tree.pilosYml}`,
      ),
    byHand: ({ sh, tree }) => sh(`sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}|' ${tree.pilosYml}`),
  },
  {
    what: 'a missing directory on what is mounted',
    id: 'spool-directory',
    status: 73,
    says: /does not exist: mount it, create it, or correct spool_dir/,
    spoil: ({ sh, tree }) =>
      sh(`sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}/deeper|' ${tree.pilosYml}
        sed -i /:2000:/d /etc/group && systemctl restart bbb-rap-resque-worker.service`),
    afterwards: ({ sh, tree }) =>
      sh(`test "$(stat -c %a%G ${tree.spoolDir}/deeper)" = 2775pilos-spool && rmdir ${tree.spoolDir}/deeper
        sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}|' ${tree.pilosYml}`),
  },
  {
    what: 'a spool that is a symbolic link to itself',
    id: 'spool-directory',
    status: 73,
    says: /too many symbolic links \(ELOOP\)/,
    spoil: ({ sh, tree }) =>
      sh(
        `ln -s loop ${tree.root}/loop && sed -i 's|^spool_dir:.*|spool_dir: ${tree.root}/loop|' ${tree.pilosYml}`,
      ),
    byHand: ({ sh, tree }) => sh(`ln -sfn ${tree.spoolDir} ${tree.root}/loop`),
  },
  {
    what: 'a directory above the spool that is closed',
    id: 'spool-directory',
    status: 77,
    says: /may not enter .*\/mnt$/,
    spoil: ({ sh, tree }) =>
      sh(
        `sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}|' ${tree.pilosYml} && chmod 700 ${dirname(tree.spoolDir)}`,
      ),
  },
  {
    what: 'a spool that is not mounted though fstab says so',
    id: 'spool-mount',
    status: 73,
    says: /of \/etc\/fstab is not mounted/,
    spoil: ({ sh, tree }) => sh(`umount ${tree.spoolDir}`),
  },
  {
    what: 'a spool that is another file system than require_mount wants',
    id: 'spool-mount',
    status: 73,
    says: /require_mount wants what is mounted at \/srv/,
    spoil: ({ sh, tree }) => sh(`echo 'require_mount: /srv' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^require_mount/d ${tree.pilosYml}`),
  },
  {
    what: 'a spool on the disk of this server, where nothing is mounted',
    id: 'spool-mount',
    status: 0,
    says: /nothing is mounted there: right only when PILOS runs on this very server/,
    spoil: ({ pilos, sh, tree }) =>
      sh(`cp /etc/fstab /etc/fstab.kept && : > /etc/fstab && umount ${tree.spoolDir} &&
        chgrp ${pilos.gid} ${tree.spoolDir} && chmod 2775 ${tree.spoolDir}`),
    byHand: mountAgain,
  },
  {
    what: 'a spool on the disk of this server, where require_mount wants a mount',
    id: 'spool-mount',
    status: 73,
    says: /require_mount wants a mounted file system: mount it, or correct require_mount/,
    spoil: ({ sh, tree }) =>
      sh(`: > /etc/fstab && umount ${tree.spoolDir} && echo 'require_mount: true' >> ${tree.pilosYml}`),
    byHand: mountAgain,
  },
  {
    what: 'a spool whose group may not write',
    id: 'spool-mode',
    status: 77,
    says: /the group may not read and delete there/,
    spoil: ({ sh, tree }) => sh(`chmod 2755 ${tree.spoolDir}`),
  },
  {
    what: 'a spool with the sticky bit',
    id: 'spool-mode',
    status: 77,
    says: /the sticky bit keeps PILOS from deleting/,
    spoil: ({ sh, tree }) => sh(`chmod 3775 ${tree.spoolDir}`),
  },
  {
    what: 'a spool without the setgid bit',
    id: 'spool-mode',
    status: 0,
    says: /files get the group of their writer/,
    spoil: ({ sh, tree }) => sh(`chmod g-s ${tree.spoolDir}`),
  },
  {
    what: 'a spool that is full',
    id: 'spool-space',
    status: 73,
    says: /free some space there/,
    spoil: ({ sh, tree }) =>
      sh(`mount -o remount,size=64k ${tree.spoolDir} && head -c 64k /dev/zero > ${tree.spoolDir}/filler`),
    byHand: ({ sh, tree }) => sh(`rm ${tree.spoolDir}/filler && mount -o remount,size=4g ${tree.spoolDir}`),
  },
  {
    what: 'a spool without a free inode',
    id: 'spool-space',
    status: 73,
    says: /no inode is free: free some space there/,
    spoil: ({ sh, tree }) => sh(`mount -o remount,nr_inodes=1 ${tree.spoolDir}`),
    byHand: ({ sh, tree }) => sh(`mount -o remount,nr_inodes=1000 ${tree.spoolDir}`),
  },
  {
    what: 'a spool with little space',
    id: 'spool-space',
    status: 0,
    says: /free some space there/,
    spoil: ({ sh, tree }) => sh(`mount -o remount,size=500m ${tree.spoolDir}`),
    byHand: ({ sh, tree }) => sh(`mount -o remount,size=4g ${tree.spoolDir}`),
  },
  {
    what: 'a spool whose free space cannot be measured',
    id: 'spool-space',
    status: 73,
    says: /ENOSYS \(statfs\)/,
    spoil: () => undefined,
    by: () => tracing.split(' '),
    byHand: () => undefined,
  },
  {
    what: 'a read-only mount',
    id: 'spool-write',
    status: 73,
    says: /read-only \(EROFS\)/,
    spoil: ({ sh, tree }) => sh(`mount -o remount,ro ${tree.spoolDir}`),
  },
];

const tracing = 'strace -qqq -f --seccomp-bpf -o /dev/null -e trace=statfs -e inject=statfs:error=ENOSYS';

/** What the mount makes of what is written: bindfs stands for NFS and CIFS with such options. */
const writes: CheckCase[] = [
  {
    what: 'a spool whose mount gives files a mode that PILOS may not read',
    id: 'spool-write',
    status: 77,
    says: /PILOS may not read it: correct the mount options \(file_mode, umask\)/,
    spoil: ({ sh, tree }) =>
      sh(`bindfs --create-with-perms=u+rw:go-rwx --chmod-ignore ${tree.spoolDir} ${tree.spoolDir}`),
    byHand: unmount,
  },
  {
    what: 'a spool whose mount gives files another group',
    id: 'spool-write',
    status: 0,
    says: /its group is not that of the directory \(ppp-spool-\w+\): look at the options of its mount/,
    spoil: ({ sh, tree }) =>
      sh(`bindfs --create-for-group=root --chgrp-ignore ${tree.spoolDir} ${tree.spoolDir}`),
    byHand: unmount,
  },
  {
    what: 'a spool whose mount lets nothing be renamed',
    id: 'spool-write',
    status: 77,
    says: /operation not permitted \(EPERM\)/,
    spoil: ({ sh, tree }) => sh(`bindfs --rename-deny ${tree.spoolDir} ${tree.spoolDir}`),
    byHand: unmount,
  },
];

/** In this order: the last one has the group of the one before. */
const groups: CheckCase[] = [
  {
    what: 'a user who is not in the group of the spool',
    id: 'user-group',
    status: 77,
    says: /is not in group ppp-spool-/,
    spoil: async ({ bbb, pilos, sh }) => {
      await sh(`gpasswd --delete ${bbb.name} ${pilos.group}`);
      await sh('systemctl restart bbb-rap-resque-worker.service');
    },
  },
  {
    what: 'a group of the spool that has no name on this server, where another one is pilos-spool,',
    id: 'user-group',
    status: 77,
    says: /is not in group id \d+, so archives cannot be written/,
    spoil: ({ pilos, sh }) =>
      sh(`sed -i '/^${pilos.group}:/d; /^pilos-spool:/d' /etc/group /etc/gshadow && groupadd --gid 4711 pilos-spool
        systemctl restart bbb-rap-resque-worker.service`),
    afterwards: ({ pilos, sh }) => sh(`getent group pilos-spool-${pilos.gid}`),
  },
  {
    what: 'a worker that was started before its user came into the group',
    id: 'worker-group',
    status: 77,
    says: /was started before ppp-bbb-\w+ came into group pilos-spool-\d+, and is not in it/,
    spoil: async ({ bbb, pilos, sh }) => {
      await sh(`gpasswd --delete ${bbb.name} pilos-spool-${pilos.gid}`);
      await sh('systemctl restart bbb-rap-resque-worker.service');
      await sh(`usermod --append --groups pilos-spool-${pilos.gid} ${bbb.name}`);
    },
  },
];

itFindsAndMends(scene, [...directory, ...writes]);

it('writes with the mode and group of an archive, and leaves nothing behind, nor what a killed check has left', async () => {
  // A process of this boot that is gone.
  const script = `import { createRunToken } from ${JSON.stringify(join(import.meta.dirname, '../../../hook/system/run-token.ts'))};
    process.stdout.write(createRunToken());`;
  const token = execFileSync(process.execPath, ['--input-type=module', '--eval', script]).toString();
  const { pilos, sh, spoolDir, tree } = scene();
  await sh(`cd ${tree.spoolDir} && touch .pilos-post-publish-check.${token} .pilos-post-publish-check.x`);
  const report = await scene().look();
  expect(amiss(report)).toEqual([]);
  const written = report.findings.find(({ id }) => id === 'spool-write');
  expect(written?.looked_at).toContain(`has mode 0664 and group ${pilos.group}; it was removed again`);
  expect(readdirSync(spoolDir).filter((name) => name.includes('check'))).toEqual([
    '.pilos-post-publish-check.x',
  ]);
});

itFindsAndMends(scene, groups);
