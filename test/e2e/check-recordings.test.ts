import { beforeAll } from 'vitest';
import { type CheckCase, itFindsAndMends } from '../support/check-case.ts';
import { useCheckScene } from '../support/check-scene.ts';

const scene = useCheckScene();
const recordings: CheckCase[] = [
  {
    what: 'a recording that is not delivered',
    id: 'undelivered',
    status: 0,
    says: /1 published format is not delivered, the oldest of 2024-/,
    spoil: ({ bbb, tree }) => {
      tree.addMeeting();
      tree.giveTo(bbb);
    },
  },
];

const subDirectories: CheckCase[] = [
  {
    what: 'a sub directory that a meeting asks for and that is missing',
    id: 'sub-directory',
    status: 73,
    says: /does not exist, so the recordings of that PILOS are not delivered/,
    spoil: ({ sh, tree }) => sh(`rm -r ${tree.spoolDir}/instance1`),
  },
  {
    what: 'a sub directory that the group may not write',
    id: 'sub-directory',
    status: 77,
    says: /the group may not read and delete there/,
    spoil: ({ sh, tree }) => sh(`chmod 2755 ${tree.spoolDir}/instance1`),
  },
  {
    what: 'a sub directory of another group',
    id: 'sub-directory',
    status: 77,
    says: /its group \(id 0\) is not that of/,
    spoil: ({ sh, tree }) => sh(`chgrp 0 ${tree.spoolDir}/instance1`),
  },
  {
    what: 'a sub directory that leads out of the spool',
    id: 'sub-directory',
    status: 73,
    says: /leads out of the spool directory/,
    spoil: ({ sh, tree, pilos }) =>
      sh(
        `cd ${tree.spoolDir} && mv instance1 kept && ln -s ${tree.root}/elsewhere instance1 && install -d -m 2775 -g ${pilos.gid} ${tree.root}/elsewhere`,
      ),
    byHand: ({ sh, tree }) => sh(`cd ${tree.spoolDir} && rm instance1 && mv kept instance1`),
  },
  {
    what: 'a file in the place of a sub directory',
    id: 'sub-directory',
    status: 73,
    says: /it is no directory/,
    spoil: ({ sh, tree }) => sh(`cd ${tree.spoolDir} && mv instance1 kept && touch instance1`),
    byHand: ({ sh, tree }) => sh(`cd ${tree.spoolDir} && rm instance1 && mv kept instance1`),
  },
  {
    what: 'a sub directory that allowed_sub_dirs does not list',
    id: 'refused-meetings',
    status: 78,
    says: /the sub directory 'instance1', but allowed_sub_dirs has only instance2/,
    spoil: ({ sh, tree }) => sh(`echo 'allowed_sub_dirs: [instance2]' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^allowed_sub_dirs/d ${tree.pilosYml}`),
  },
];

beforeAll(async () => {
  const { bbb, pilos, sh, tree } = scene();
  tree.addMeeting({ subDir: 'instance1' });
  tree.giveTo(bbb);
  await sh(`install -d -m 2775 -o ${pilos.uid} -g ${pilos.gid} ${tree.spoolDir}/instance1`);
  await sh(`pilos-post-publish resend`);
});
itFindsAndMends(scene, recordings);
itFindsAndMends(scene, subDirectories);
