/** Each thing that `check` looks at in the set-up is broken alone, found alone, and mended by the command it names. */
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CheckCase, itFindsAndMends } from '../support/check-case.ts';
import { amiss, useCheckScene } from '../support/check-scene.ts';

const scene = useCheckScene();

it('finds nothing wrong on a server that is set up right, as the user of BBB', async () => {
  const report = await scene().look();
  expect(amiss(report)).toEqual([]);
  expect(report).toMatchObject({ ran_as: scene().bbb.name, exit_status: 0, status: 0 });
  const skipped = report.findings.filter(({ state }) => state === 'skipped').map(({ id }) => id);
  expect(skipped).toEqual(['timer']);
});

const configuration: CheckCase[] = [
  {
    what: 'a misspelt key in pilos.yml',
    id: 'pilos-yml',
    status: 78,
    says: /unknown key 'retri', did you mean 'retry'\?/,
    spoil: ({ sh, tree }) => sh(`echo 'retri: { attempts: 4 }' >> ${tree.pilosYml}`),
  },
  {
    what: 'a pilos.yml without work_dir, whose last line does not end',
    id: 'pilos-yml',
    status: 78,
    says: /work_dir is missing/,
    spoil: ({ tree }) => writeFileSync(tree.pilosYml, `spool_dir: ${tree.spoolDir}`),
  },
  {
    what: 'a pilos.yml that only root may read',
    id: 'config-readable',
    status: 77,
    says: /pilos\.yml may not be read/,
    spoil: ({ tree }) => {
      chownSync(tree.pilosYml, 0, 0);
      chmodSync(tree.pilosYml, 0o600);
    },
  },
  {
    what: "a directory of BBB's configuration that only root may enter",
    id: 'config-readable',
    status: 77,
    says: /bigbluebutton\/recording may not be read/,
    spoil: ({ tree }) => {
      chownSync(dirname(tree.pilosYml), 0, 0);
      chmodSync(dirname(tree.pilosYml), 0o700);
    },
  },
  {
    what: 'rsync options for a spool that is a directory',
    id: 'ignored-options',
    status: 0,
    says: /these options do nothing/,
    spoil: ({ sh, tree }) => sh(`printf 'extra_rsync_opts:\\n  - --bwlimit=1M\\n' >> ${tree.pilosYml}`),
  },
];

const server: CheckCase[] = [
  {
    what: 'a published_dir of root',
    id: 'bbb-user',
    status: 78,
    says: /belongs to root/,
    spoil: ({ tree }) => chownSync(tree.publishedDir, 0, 0),
  },
  {
    what: 'a published_dir of a user who is gone',
    id: 'bbb-user',
    status: 78,
    says: /the uid 64321, which no user has/,
    spoil: ({ tree }) => chownSync(tree.publishedDir, 64321, 64321),
  },
  {
    what: 'a worker that does not run',
    id: 'worker',
    status: 0,
    says: /no recording is processed/,
    spoil: ({ sh }) => sh('systemctl stop bbb-rap-resque-worker.service'),
  },
  {
    what: 'a missing published_dir',
    id: 'published-dir',
    status: 78,
    says: /does not exist/,
    spoil: ({ tree }) => rmSync(tree.publishedDir, { recursive: true }),
  },
  {
    what: 'a recording_dir that is closed',
    id: 'recording-dir',
    status: 77,
    says: /may not read/,
    spoil: ({ tree }) => {
      chownSync(tree.recordingDir, 0, 0);
      // Entered it may be, so that what lies in it is not closed, too.
      chmodSync(tree.recordingDir, 0o711);
    },
  },
  {
    what: 'status files that cannot be written',
    id: 'status-dir',
    status: 77,
    says: /-sender\.done/,
    spoil: ({ tree }) => chownSync(join(tree.recordingDir, 'status/published'), 0, 0),
  },
  {
    what: 'a work_dir of root',
    id: 'work-dir',
    status: 77,
    says: /may not write there/,
    spoil: ({ tree }) => chownSync(tree.workDir, 0, 0),
  },
  {
    what: 'a work_dir that cannot be created',
    id: 'work-dir',
    status: 77,
    says: /may not create it/,
    spoil: ({ tree }) => {
      rmSync(tree.workDir, { recursive: true });
      chownSync(tree.recordingDir, 0, 0);
      chmodSync(tree.recordingDir, 0o755);
    },
  },
  {
    what: 'a file in the place of work_dir',
    id: 'work-dir',
    status: 78,
    says: /it is no directory: correct work_dir/,
    spoil: ({ sh, tree }) => sh(`rm -r ${tree.workDir} && touch ${tree.workDir}`),
    byHand: ({ bbb, sh, tree }) =>
      sh(`rm ${tree.workDir} && install -d -o ${bbb.uid} -g ${bbb.gid} ${tree.workDir}`),
  },
  {
    what: 'a directory that a run as root has left in work_dir',
    id: 'work-dir-owner',
    status: 77,
    says: /belong to somebody else, for example .*\/ledger/,
    spoil: ({ tree }) => mkdirSync(join(tree.workDir, 'ledger'), { mode: 0o755 }),
  },
  {
    what: 'a file that a run as root has left in work_dir',
    id: 'work-dir-owner',
    status: 0,
    says: /1 of its files and directories/,
    spoil: ({ tree }) => writeFileSync(join(tree.workDir, 'old.tar'), 'x'),
  },
  {
    what: 'a log file of root',
    id: 'log-file',
    status: 77,
    says: /may not write it/,
    spoil: ({ tree }) => {
      const file = join(tree.logDir, 'post_publish.log');
      writeFileSync(file, '');
      chmodSync(file, 0o644);
    },
  },
  {
    what: 'a log file in a directory that does not exist',
    id: 'log-file',
    status: 77,
    says: /may not create it/,
    spoil: ({ sh, tree }) => sh(`echo 'log_file: ${tree.root}/new/log' >> ${tree.pilosYml}`),
  },
  {
    what: 'a directory of metrics_file that does not exist',
    id: 'metrics-file',
    status: 77,
    says: /does not exist, and is not created/,
    spoil: ({ sh, tree }) => sh(`echo 'metrics_file: ${tree.root}/metrics/pilos.prom' >> ${tree.pilosYml}`),
  },
  {
    what: 'a directory of metrics_file that belongs to root',
    id: 'metrics-file',
    status: 77,
    says: /may not write there/,
    spoil: ({ tree }) => chownSync(join(tree.root, 'metrics'), 0, 0),
  },
  {
    what: 'a file in the place of the directory of metrics_file',
    id: 'metrics-file',
    status: 78,
    says: /it is no directory: correct metrics_file/,
    spoil: ({ sh, tree }) => sh(`rm -r ${tree.root}/metrics && touch ${tree.root}/metrics`),
    byHand: ({ sh, tree }) => sh(`sed -i /^metrics_file/d ${tree.pilosYml}`),
  },
  {
    what: 'a program for on_failure that is not there',
    id: 'on-failure',
    status: 78,
    says: /there is no such program/,
    spoil: ({ sh, tree }) => sh(`echo 'on_failure: ${tree.root}/nowhere' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^on_failure/d ${tree.pilosYml}`),
  },
  {
    what: 'a log directory that is gone',
    id: 'log-dir',
    status: 78,
    says: /does not exist/,
    spoil: async ({ sh, tree }) => {
      await sh(
        `sed -i /^log_file/d ${tree.pilosYml} && echo 'log_file: ${tree.workDir}/log' >> ${tree.pilosYml}`,
      );
      rmSync(tree.logDir, { recursive: true });
    },
  },
];

describe('the configuration', () => {
  itFindsAndMends(scene, configuration);
});
describe('the BBB server', () => {
  itFindsAndMends(scene, server);
});
