/** A spool that is a directory: each thing is broken alone, found alone, and mended by the command `check` names. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type CheckCase, itFindsAndMends } from '../support/check-case.ts';
import { amiss, theFinding, useCheckScene } from '../support/check-scene.ts';
import { changeUserDatabase } from '../support/users.ts';

const scene = useCheckScene();
const directory: CheckCase[] = [
  {
    what: 'a spool that is not mounted though fstab says so',
    id: 'spool-mount',
    status: 73,
    says: /of \/etc\/fstab is not mounted/,
    spoil: ({ sh, tree }) => sh(`umount ${tree.spoolDir}`),
  },
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
    what: 'a read-only mount',
    id: 'spool-write',
    status: 73,
    says: /read-only \(EROFS\)/,
    spoil: ({ sh, tree }) => sh(`mount -o remount,ro ${tree.spoolDir}`),
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
    what: 'a directory above the spool that is closed',
    id: 'spool-directory',
    status: 77,
    says: /may not enter .*\/mnt$/,
    spoil: ({ sh, tree }) => sh(`chmod 700 ${join(tree.spoolDir, '..')}`),
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
];

const groups: CheckCase[] = [
  {
    what: 'a user who is not in the group of the spool',
    id: 'user-group',
    status: 77,
    says: /is not in group ppp-spool-/,
    spoil: async ({ bbb, pilos, sh }) => {
      await changeUserDatabase('gpasswd', ['--delete', bbb.name, pilos.group]);
      await sh('systemctl restart bbb-rap-resque-worker.service');
    },
  },
  {
    what: 'a worker that was started before its user came into the group',
    id: 'worker-group',
    status: 77,
    says: /was started before ppp-bbb-\w+ came into group ppp-spool-\w+, and is not in it/,
    spoil: async ({ bbb, pilos, sh }) => {
      await changeUserDatabase('gpasswd', ['--delete', bbb.name, pilos.group]);
      await sh('systemctl restart bbb-rap-resque-worker.service');
      await changeUserDatabase('usermod', ['--append', '--groups', pilos.group, bbb.name]);
    },
  },
];

itFindsAndMends(scene, directory);
itFindsAndMends(scene, groups);

it('writes with the mode and group of an archive, and leaves nothing behind', async () => {
  const { findings } = await scene().look();
  const written = findings.find(({ id }) => id === 'spool-write');
  expect(written?.looked_at).toContain(
    `has mode 0664 and group ${scene().pilos.group}; it was removed again`,
  );
  expect(readdirSync(scene().spoolDir).filter((name) => name.includes('check'))).toEqual([]);
});

it('removes what a check that was killed has left', async () => {
  // A process of this boot that is gone.
  const script = `import { createRunToken } from ${JSON.stringify(join(import.meta.dirname, '../../hook/run-token.ts'))};
    process.stdout.write(createRunToken());`;
  const token = execFileSync(process.execPath, ['--input-type=module', '--eval', script]).toString();
  await scene().sh(
    `cd ${scene().tree.spoolDir} && touch .pilos-post-publish-check.${token} .pilos-post-publish-check.x`,
  );
  expect(amiss(await scene().look())).toEqual([]);
  expect(readdirSync(scene().spoolDir).filter((name) => name.includes('check'))).toEqual([
    '.pilos-post-publish-check.x',
  ]);
});

it('warns of a spool on the disk of this server, where nothing is mounted', async () => {
  const { sh, tree } = scene();
  await sh(
    `umount ${tree.spoolDir} && : > /etc/fstab && chmod 2775 ${tree.spoolDir} && chgrp ${scene().pilos.gid} ${tree.spoolDir}`,
  );
  expect(theFinding(await scene().look())).toMatchObject({ id: 'spool-mount', state: 'warning' });
});
