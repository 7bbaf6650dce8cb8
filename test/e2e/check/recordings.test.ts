/** What PILOS' meetings ask for, and what it does not have: each is found alone, and fixed. */

import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { senderDoneFile } from '../../../hook/bbb/sender-done.ts';
import { meetingIdOf } from '../../support/bbb/ids.ts';
import { type CheckCase, commandIn, itFindsAndFixes } from '../../support/check/check-case.ts';
import {
  createCheckScene,
  makeFailedDirectory,
  problemsIn,
  theProblem,
  useScene,
} from '../../support/check/check-scene.ts';

/** With recordings of two PILOS instances, all delivered. */
const scene = useScene(async () => {
  const created = await createCheckScene();
  const { bbb, pilos, sh, tree } = created;
  for (const subDir of ['instance1', 'faculty/a']) {
    tree.addMeeting({ subDir });
    await sh(`install -d -m 2775 -o ${pilos.uid} -g ${pilos.gid} ${tree.spoolDir}/${subDir}`);
    await makeFailedDirectory(created, `${tree.spoolDir}/${subDir}`);
  }
  tree.giveTo(bbb);
  await sh('pilos-post-publish deliver');
  return created;
});

let lostId = '';

const recordings: CheckCase[] = [
  {
    what: 'a recording that is not delivered, and one that was tried in vain,',
    check: 'undelivered',
    status: 0,
    says: /2 published formats are not delivered, the oldest of 2024-.*; 1 failed, see '.* status'/,
    spoil: async ({ bbb, sh, tree }) => {
      tree.addMeeting();
      const { id } = tree.addMeeting();
      tree.giveTo(bbb);
      await sh(`mount -o remount,ro ${tree.spoolDir} && ! pilos-post-publish -m ${id}
        mount -o remount,rw ${tree.spoolDir}`);
    },
  },
  {
    what: 'a recording that was deleted here before PILOS had it',
    check: 'not_imported',
    status: 0,
    says: /1 lost: see 'pilos-post-publish .*status'/,
    spoil: async ({ bbb, sh, tree }) => {
      const { id, published } = tree.addMeeting();
      lostId = id;
      tree.giveTo(bbb);
      await sh(`mount -o remount,ro ${tree.spoolDir} && ! pilos-post-publish -m ${id}
        mount -o remount,rw ${tree.spoolDir}`);
      rmSync(published('presentation'), { recursive: true });
      rmSync(join(tree.recordingDir, 'raw', id), { recursive: true });
      rmSync(join(tree.recordingDir, 'status/published', `${id}-presentation.done`));
    },
    byHand: ({ sh }) => sh(`pilos-post-publish status --forget ${lostId}`),
  },
  {
    what: 'a meeting whose front end no file names',
    check: 'refused_meetings',
    status: 0,
    says: /is not delivered: no file says which front end the meeting belongs to/,
    spoil: ({ bbb, stateDir, tree }) => {
      const meeting = tree.addMeeting({ eventsXml: false });
      renameSync(join(meeting.published('presentation'), 'metadata.xml'), join(stateDir, 'metadata.xml'));
      tree.giveTo(bbb);
    },
  },
  {
    what: 'a meeting that asks for what is no sub directory',
    check: 'refused_meetings',
    status: 0,
    says: /asks for the sub directory '\.\.\/x', which is not allowed: set RECORDING_SPOOL_SUB_DIRECTORY .*; for this meeting, correct it in \S+\/events\.xml and run 'pilos-post-publish --config .* deliver'/,
    spoil: ({ bbb, tree }) => {
      tree.addMeeting({ subDir: '../x' });
      tree.giveTo(bbb);
    },
    byHand: ({ sh, tree }) =>
      sh(
        `sed -i 's|"../x"|"instance1"|' ${tree.recordingDir}/raw/*/events.xml && pilos-post-publish deliver`,
      ),
  },
  {
    what: 'a sub directory that allowed_sub_dirs does not list',
    check: 'refused_meetings',
    status: 78,
    says: /the sub directory '(?:instance1|faculty\/a)', but allowed_sub_dirs has only instance2/,
    spoil: ({ sh, tree }) => sh(`echo 'allowed_sub_dirs: [instance2]' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^allowed_sub_dirs/d ${tree.pilosYml}`),
  },
];

const stray: CheckCase[] = [
  {
    what: 'a copy that an admin left among the recordings',
    check: 'stray_entries',
    status: 0,
    says: /\/presentation\/old copy is passed over: .*: move it out of published_dir/,
    spoil: ({ tree }) => mkdirSync(join(tree.publishedDir, 'presentation', 'old copy')),
    byHand: ({ tree }) => rmdirSync(join(tree.publishedDir, 'presentation', 'old copy')),
  },
];

const subDirectories: CheckCase[] = [
  {
    what: 'a sub directory that is a mount of its own, and read-only',
    check: 'sub_directory',
    status: 73,
    says: /read-only \(EROFS\)/,
    spoil: ({ sh, tree, pilos }) =>
      sh(`mount -t tmpfs -o mode=2775,gid=${pilos.gid} tmpfs ${tree.spoolDir}/instance1 &&
        mkdir -m 2775 ${tree.spoolDir}/instance1/failed && pilos-post-publish deliver --confirm-mount &&
        mount -o remount,ro ${tree.spoolDir}/instance1`),
    afterwards: ({ sh, tree }) =>
      sh(`umount ${tree.spoolDir}/instance1 && pilos-post-publish deliver --confirm-mount`),
  },
  {
    what: 'a sub directory that is not mounted though fstab says so',
    check: 'sub_directory',
    status: 73,
    says: /instance1 is not mounted, though \/etc\/fstab or a mount unit says so/,
    spoil: ({ sh, tree, pilos }) =>
      sh(`cp /etc/fstab /etc/fstab.kept &&
        echo 'tmpfs ${tree.spoolDir}/instance1 tmpfs mode=2775,gid=${pilos.gid} 0 0' >> /etc/fstab`),
    afterwards: ({ sh, tree }) =>
      sh(`mountpoint ${tree.spoolDir}/instance1 && umount ${tree.spoolDir}/instance1 &&
        cp /etc/fstab.kept /etc/fstab`),
  },
  {
    what: 'a sub directory in a directory that is closed',
    check: 'sub_directory',
    status: 77,
    says: /cannot enter \S+\/faculty: chmod/,
    spoil: ({ sh, tree }) => sh(`chown 0:0 ${tree.spoolDir}/faculty && chmod 700 ${tree.spoolDir}/faculty`),
  },
  {
    what: 'a sub directory that a meeting asks for and that is missing',
    check: 'sub_directory',
    status: 73,
    says: /does not exist, so the recordings of that PILOS are not delivered: recordings were delivered there before: mount/,
    command: commandIn,
    spoil: ({ sh, tree }) => sh(`rm -r ${tree.spoolDir}/instance1`),
    afterwards: async (here) => {
      await makeFailedDirectory(here, `${here.tree.spoolDir}/instance1`);
      // It is another directory than the one that archives went into.
      await here.sh('pilos-post-publish deliver --confirm-mount');
    },
  },
  {
    what: 'a sub directory that the group cannot write',
    check: 'sub_directory',
    status: 77,
    says: /the group may not read and delete there/,
    spoil: ({ sh, tree }) => sh(`chmod 2755 ${tree.spoolDir}/instance1`),
  },
  {
    what: 'a sub directory of another group',
    check: 'sub_directory',
    status: 77,
    says: /its group \(id 0\) is not that of/,
    spoil: ({ sh, tree }) => sh(`chgrp 0 ${tree.spoolDir}/instance1`),
  },
  {
    what: 'a sub directory that leads out of the spool',
    check: 'sub_directory',
    status: 73,
    says: /leads out of the spool directory/,
    spoil: ({ sh, tree, pilos }) =>
      sh(
        `cd ${tree.spoolDir} && mv instance1 kept && ln -s ${tree.root}/elsewhere instance1 && install -d -m 2775 -g ${pilos.gid} ${tree.root}/elsewhere ${tree.root}/elsewhere/failed`,
      ),
    byHand: ({ sh, tree }) => sh(`cd ${tree.spoolDir} && rm instance1 && mv kept instance1`),
  },
  {
    what: 'a file in the place of a sub directory',
    check: 'sub_directory',
    status: 73,
    says: /it is not a directory/,
    spoil: ({ sh, tree }) => sh(`cd ${tree.spoolDir} && mv instance1 kept && touch instance1`),
    byHand: ({ sh, tree }) => sh(`cd ${tree.spoolDir} && rm instance1 && mv kept instance1`),
  },
];

it("takes what PILOS' own script marked as sent for delivered", async () => {
  const { bbb, sh, spoolDir, tree } = scene();
  const { id } = tree.addMeeting();
  writeFileSync(senderDoneFile(tree.recordingDir, meetingIdOf(id)), `Published ${id}`);
  tree.giveTo(bbb);
  expect(problemsIn(await scene().readReport())).toEqual([]);
  await sh('pilos-post-publish deliver');
  expect(readdirSync(spoolDir).filter((name) => name.startsWith(id))).toEqual([]);
});

itFindsAndFixes(scene, [...recordings, ...stray]);
itFindsAndFixes(scene, subDirectories);

it('warns of a ledger that is lost while meetings count as sent, until it is restored from a backup', async () => {
  const { sh, tree } = scene();
  const ledger = join(tree.workDir, 'ledger');
  const backup = join(tree.root, 'ledger-backup');
  for (const file of readdirSync(join(tree.recordingDir, 'status/published'))) {
    const id = /^(.*)-presentation\.done$/.exec(file)?.[1];
    if (id !== undefined)
      writeFileSync(senderDoneFile(tree.recordingDir, meetingIdOf(id)), `Published ${id}`);
  }
  expect(problemsIn(await scene().readReport())).toEqual([]);
  await sh(`cp -a ${ledger} ${backup} && rm -r ${ledger}`);
  const report = await scene().readReport();
  expect(problemsIn(report)).toEqual(['ledger?']);
  expect(theProblem(report).fix).toContain(`restore ${ledger} from a backup`);
  await sh(`rm -rf ${ledger} && cp -a ${backup} ${ledger}`);
  expect(problemsIn(await scene().readReport())).toEqual([]);
});
