/** A spool that is a directory: each thing is broken alone, found alone, and fixed by its fix. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { type CheckCase, itFindsAndFixes } from '../../support/check/check-case.ts';
import {
  type CheckScene,
  createCheckScene,
  makeFailedDirectory,
  problemsIn,
  useScene,
} from '../../support/check/check-scene.ts';
import { testRun } from '../../support/run/test-run.ts';

const scene = useScene(createCheckScene);

const unmount = ({ sh, tree }: CheckScene) => sh(`umount ${tree.spoolDir}`);
const makeFailed = (here: CheckScene) => makeFailedDirectory(here);
/** In the place of what was mounted, on the disk of this server: /tmp, where the tree lies, may be another file system. */
const moveOntoDisk = ({ sh, tree: { spoolDir } }: CheckScene) =>
  sh(`umount ${spoolDir} && rmdir ${spoolDir} &&
    ln -s "$(mktemp -d /pilos-spool-${testRun()}-XXXXXX)" ${spoolDir} && chmod 755 ${spoolDir}/.`);
const mountAgain = async (here: CheckScene) => {
  const { sh, tree } = here;
  await sh(`[ ! -L ${tree.spoolDir} ] || {
    rm -r "$(readlink ${tree.spoolDir})" ${tree.spoolDir} && mkdir ${tree.spoolDir}; }`);
  await sh(
    `cp /etc/fstab.kept /etc/fstab && mount ${tree.spoolDir} && sed -i /^require_mount/d ${tree.pilosYml}`,
  );
  await makeFailed(here);
};

const directory: CheckCase[] = [
  {
    what: 'a missing mount point',
    check: 'spool_directory',
    status: 73,
    says: /does not exist/,
    // failed/ lies there, too, from before it was mounted.
    spoil: ({ sh, tree }) => sh(`umount ${tree.spoolDir} && rm -r ${tree.spoolDir}`),
    afterwards: makeFailed,
  },
  {
    what: 'a file in the place of the spool',
    check: 'spool_directory',
    status: 78,
    says: /it is not a directory: correct spool_dir/,
    spoil: ({ sh, tree }) =>
      sh(
        `touch ${tree.root}/file && sed -i 's|^spool_dir:.*|spool_dir: ${tree.root}/file|' ${tree.pilosYml}`,
      ),
    byHand: ({ sh, tree }) => sh(`sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}|' ${tree.pilosYml}`),
  },
  {
    what: 'a missing directory on what is mounted',
    check: 'spool_directory',
    status: 73,
    says: /does not exist: mount it, create it, or correct spool_dir/,
    spoil: ({ sh, tree }) =>
      sh(`sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}/deeper|' ${tree.pilosYml}`),
    afterwards: ({ sh, tree }) =>
      sh(`test "$(stat -c %a%G ${tree.spoolDir}/deeper)" = 2775pilos-spool && rmdir ${tree.spoolDir}/deeper
        sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}|' ${tree.pilosYml}`),
  },
  {
    what: 'a spool that is a symbolic link to itself',
    check: 'spool_directory',
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
    check: 'spool_directory',
    status: 77,
    says: /cannot enter .*\/mnt: chmod/,
    spoil: ({ sh, tree }) =>
      sh(
        `sed -i 's|^spool_dir:.*|spool_dir: ${tree.spoolDir}|' ${tree.pilosYml} && chmod 700 ${dirname(tree.spoolDir)}`,
      ),
  },
  {
    what: 'a spool that is not mounted though fstab says so',
    check: 'spool_mount',
    status: 73,
    says: /is not mounted, though \/etc\/fstab or a mount unit says so/,
    spoil: ({ sh, tree }) => sh(`umount ${tree.spoolDir}`),
    afterwards: makeFailed,
  },
  {
    what: 'a spool that is another file system than require_mount wants',
    check: 'spool_mount',
    status: 73,
    says: /is not on the one mounted at \/srv, but on \S+: mount it/,
    spoil: ({ sh, tree }) => sh(`echo 'require_mount: /srv' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^require_mount/d ${tree.pilosYml}`),
  },
  {
    what: 'a spool on the disk of this server, where nothing is mounted',
    check: 'spool_mount',
    status: 0,
    says: /nothing is mounted there.*: right only when PILOS runs on this very server/,
    spoil: async (here) => {
      const { pilos, sh, tree } = here;
      await moveOntoDisk(here);
      // What is to be mounted above the link says nothing about where it leads.
      const planned = `none ${tree.root} tmpfs noauto 0 0`;
      await sh(`cp /etc/fstab /etc/fstab.kept && echo ${planned} > /etc/fstab && cd ${tree.spoolDir} &&
        chgrp ${pilos.gid} . && chmod 2775 . && install -d -m 2775 failed`);
    },
    byHand: mountAgain,
  },
  {
    what: 'a spool on the disk of this server, where require_mount wants a mount',
    check: 'spool_mount',
    status: 73,
    says: /is not on a mounted file system, but on \/: mount it \(mount -a\), or set require_mount: false/,
    spoil: async (here) => {
      await moveOntoDisk(here);
      await here.sh(`: > /etc/fstab && echo 'require_mount: true' >> ${here.tree.pilosYml}`);
    },
    byHand: mountAgain,
  },
  {
    what: 'a spool whose group cannot write',
    check: 'spool_mode',
    status: 77,
    says: /the group may not read and delete there/,
    spoil: ({ sh, tree }) => sh(`chmod 2755 ${tree.spoolDir}`),
  },
  {
    what: 'a spool with the sticky bit',
    check: 'spool_mode',
    status: 77,
    says: /the sticky bit keeps PILOS from deleting/,
    spoil: ({ sh, tree }) => sh(`chmod 3775 ${tree.spoolDir}`),
  },
  {
    what: 'a spool without the setgid bit',
    check: 'spool_mode',
    status: 0,
    says: /files get the group of their writer/,
    spoil: ({ sh, tree }) => sh(`chmod g-s ${tree.spoolDir}`),
  },
  {
    what: 'a spool that is full',
    check: 'spool_space',
    status: 73,
    says: /free some space there/,
    spoil: ({ sh, tree }) =>
      sh(`mount -o remount,size=64k ${tree.spoolDir} && head -c 64k /dev/zero > ${tree.spoolDir}/filler`),
    byHand: ({ sh, tree }) => sh(`rm ${tree.spoolDir}/filler && mount -o remount,size=4g ${tree.spoolDir}`),
  },
  {
    what: 'a spool without a free inode',
    check: 'spool_space',
    status: 73,
    says: /no inode is free: free some space there/,
    spoil: ({ sh, tree }) => sh(`mount -o remount,nr_inodes=2 ${tree.spoolDir}`),
    byHand: ({ sh, tree }) => sh(`mount -o remount,nr_inodes=1000 ${tree.spoolDir}`),
  },
  {
    what: 'a spool with little space',
    check: 'spool_space',
    status: 0,
    says: /free some space there/,
    spoil: ({ sh, tree }) => sh(`mount -o remount,size=500m ${tree.spoolDir}`),
    byHand: ({ sh, tree }) => sh(`mount -o remount,size=4g ${tree.spoolDir}`),
  },
  {
    what: 'a spool whose free space cannot be measured',
    check: 'spool_space',
    status: 73,
    says: /ENOSYS \(statfs\)/,
    spoil: () => undefined,
    by: () => tracing.split(' '),
    byHand: () => undefined,
  },
  {
    what: 'a read-only mount',
    check: 'spool_write',
    status: 73,
    says: /read-only \(EROFS\)/,
    spoil: ({ sh, tree }) => sh(`mount -o remount,ro ${tree.spoolDir}`),
  },
];

const tracing = 'strace -qqq -f --seccomp-bpf -o /dev/null -e trace=statfs -e inject=statfs:error=ENOSYS';

/** What PILOS does with archives, or does not. */
const imports: CheckCase[] = [
  {
    what: 'an archive that PILOS has not taken for hours',
    check: 'importer',
    status: 73,
    says: /PILOS does not import: the oldest archive in \S+ has waited for 3 h: check on the PILOS host/,
    spoil: ({ sh, tree }) => sh(`touch --date='200 minutes ago' ${tree.spoolDir}/x-video.tar`),
    byHand: ({ sh, tree }) => sh(`rm ${tree.spoolDir}/x-video.tar`),
  },
  {
    what: 'an archive that PILOS could not import',
    check: 'refused_archives',
    status: 0,
    says: /1 archive is in 'failed' of \S+, for example x-video\.tar: see the reason in PILOS' log/,
    spoil: ({ sh, tree }) => sh(`touch ${tree.spoolDir}/failed/x-video.tar`),
    byHand: ({ sh, tree }) => sh(`rm ${tree.spoolDir}/failed/x-video.tar`),
  },
  {
    what: 'a failed/ that PILOS made for itself',
    check: 'failed_directory',
    status: 0,
    says: /only PILOS itself can enter 'failed' in \S+: nobody sees here/,
    spoil: ({ pilos, sh, tree }) =>
      sh(`rm -r ${tree.spoolDir}/failed && install -d -m 700 -o ${pilos.uid} ${tree.spoolDir}/failed`),
  },
  {
    what: 'a failed/ that PILOS would make for itself',
    check: 'failed_directory',
    status: 0,
    says: /'failed' does not exist in \S+: PILOS will create it/,
    spoil: ({ sh, tree }) => sh(`rm -r ${tree.spoolDir}/failed`),
  },
];

/** What the mount makes of what is written: bindfs stands for NFS and CIFS with such options. */
const writes: CheckCase[] = [
  {
    what: 'a spool whose mount gives files a mode that PILOS may not read',
    check: 'spool_write',
    status: 77,
    says: /PILOS cannot read it: correct the options of its mount \(file_mode, umask\)/,
    spoil: ({ sh, tree }) =>
      sh(`bindfs --create-with-perms=u+rw:go-rwx --chmod-ignore ${tree.spoolDir} ${tree.spoolDir}`),
    byHand: unmount,
  },
  {
    what: 'a spool whose mount gives files another group',
    check: 'spool_write',
    status: 0,
    says: /its group is not that of the directory, pilos-spool: check the options of its mount/,
    spoil: ({ sh, tree }) =>
      sh(`bindfs --create-for-group=root --chgrp-ignore ${tree.spoolDir} ${tree.spoolDir}`),
    byHand: unmount,
  },
  {
    what: 'a spool whose mount lets nothing be renamed',
    check: 'spool_write',
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
    check: 'user_group',
    status: 77,
    says: /is not in group pilos-spool/,
    spoil: async ({ bbb, sh }) => {
      await sh(`gpasswd --delete ${bbb.name} pilos-spool`);
      await sh('systemctl restart bbb-rap-resque-worker.service');
    },
  },
  {
    what: 'a group of the spool that has no name on this server, where another one is pilos-spool,',
    check: 'user_group',
    status: 77,
    says: /is not in group id \d+, so archives cannot be written/,
    spoil: ({ sh }) =>
      sh(`sed -i '/^pilos-spool:/d' /etc/group /etc/gshadow && groupadd --gid 4711 pilos-spool
        systemctl restart bbb-rap-resque-worker.service`),
    afterwards: ({ pilos, sh }) => sh(`getent group pilos-spool-${pilos.gid}`),
  },
  {
    what: 'a worker that was started before its user came into the group',
    check: 'worker_group',
    status: 77,
    says: /was started before ppp-bbb-\w+ came into group pilos-spool-\d+, and is not in it/,
    spoil: async ({ bbb, pilos, sh }) => {
      await sh(`gpasswd --delete ${bbb.name} pilos-spool-${pilos.gid}`);
      await sh('systemctl restart bbb-rap-resque-worker.service');
      await sh(`usermod --append --groups pilos-spool-${pilos.gid} ${bbb.name}`);
    },
  },
];

itFindsAndFixes(scene, [...directory, ...imports, ...writes]);

it('writes with the mode and group of an archive, and leaves nothing behind, nor what a killed check has left', async () => {
  // A process of this boot that is gone.
  const script = `import { createRunToken } from ${JSON.stringify(join(import.meta.dirname, '../../../hook/system/run-token.ts'))};
    process.stdout.write(createRunToken());`;
  const token = execFileSync(process.execPath, ['--input-type=module', '--eval', script]).toString();
  const { sh, spoolDir, tree } = scene();
  await sh(`cd ${tree.spoolDir} && touch .pilos-post-publish-check.${token} .pilos-post-publish-check.x`);
  const report = await scene().readReport();
  expect(problemsIn(report)).toEqual([]);
  const written = report.results.find(({ check }) => check === 'spool_write');
  expect(written?.title).toContain('had mode 0664 and group pilos-spool');
  expect(readdirSync(spoolDir).filter((name) => name.includes('check'))).toEqual([
    '.pilos-post-publish-check.x',
  ]);
});

itFindsAndFixes(scene, groups);
