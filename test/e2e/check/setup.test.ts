/** Each thing in the set-up is broken alone, found alone, and fixed by its fix. */
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CheckCase, itFindsAndFixes } from '../../support/check/check-case.ts';
import { type CheckScene, createCheckScene, problemsIn, useScene } from '../../support/check/check-scene.ts';

const scene = useScene(createCheckScene);

it('finds nothing wrong on a server that is set up right, as the user of BBB', async () => {
  const report = await scene().readReport();
  expect(problemsIn(report)).toEqual([]);
  expect(report).toMatchObject({ ran_as: scene().bbb.name, exit_status: 0, status: 0 });
  const skipped = report.results.filter(({ state }) => state === 'skipped').map(({ check }) => check);
  expect(skipped).toEqual([]);
});

const asBbb = ({ bbb }: CheckScene) => [
  'setpriv',
  `--reuid=${bbb.uid}`,
  `--regid=${bbb.gid}`,
  '--init-groups',
  '--',
];

const configuration: CheckCase[] = [
  {
    what: 'a missing pilos.yml',
    check: 'pilos_yml',
    status: 78,
    says: /pilos\.yml does not exist/,
    spoil: ({ tree }) => rmSync(tree.pilosYml),
    afterwards: ({ sh, tree }) =>
      sh(`sed -i 's|^spool_dir: /mnt/pilos-spool$|spool_dir: ${tree.spoolDir}|' ${tree.pilosYml}`),
  },
  {
    what: 'a misspelt key in pilos.yml',
    check: 'pilos_yml',
    status: 78,
    says: /unknown key 'retri', did you mean 'retry'\?/,
    spoil: ({ sh, tree }) => sh(`echo 'retri: { attempts: 4 }' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^retri/d ${tree.pilosYml}`),
  },
  {
    what: 'a pilos.yml without work_dir, whose last line does not end',
    check: 'pilos_yml',
    status: 78,
    says: /work_dir is missing/,
    spoil: ({ tree }) => writeFileSync(tree.pilosYml, `spool_dir: ${tree.spoolDir}`),
    byHand: ({ sh, tree }) => sh(`printf '\\nwork_dir: ${tree.workDir}\\n' >> ${tree.pilosYml}`),
  },
  {
    what: 'a pilos.yml without spool_dir',
    check: 'pilos_yml',
    status: 78,
    says: /spool_dir is missing/,
    spoil: ({ sh, tree }) => sh(`sed -i /^spool_dir/d ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`echo 'spool_dir: ${tree.spoolDir}' >> ${tree.pilosYml}`),
  },
  {
    what: 'an invalid value in pilos.yml',
    check: 'pilos_yml',
    status: 78,
    says: /deliver must be 'now' or 'later', but is 'never'/,
    spoil: ({ sh, tree }) => sh(`echo 'deliver: never' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^deliver/d ${tree.pilosYml}`),
  },
  {
    what: 'a pilos.yml that is no YAML',
    check: 'pilos_yml',
    status: 78,
    says: /is not valid YAML in line \d/,
    spoil: ({ sh, tree }) => sh(`echo ': [' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i '$d' ${tree.pilosYml}`),
  },
  {
    what: "a missing file of BBB's configuration",
    check: 'bbb_yml',
    status: 78,
    says: /bigbluebutton\.yml does not exist; the checks below assume BBB's usual directories/,
    spoil: ({ tree }) => rmSync(tree.bigbluebuttonYml),
  },
  {
    what: "a file of BBB's configuration that is no YAML",
    check: 'bbb_yml',
    status: 78,
    says: /bigbluebutton\.yml is not valid YAML/,
    spoil: ({ sh, tree }) => sh(`echo ': [' >> ${tree.bigbluebuttonYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i '$d' ${tree.bigbluebuttonYml}`),
  },
  {
    what: 'a pilos.yml that who asks may not read',
    check: 'pilos_yml',
    status: 77,
    says: /pilos\.yml: permission denied \(EACCES\)/,
    spoil: ({ sh, tree }) => sh(`chown 0:0 ${tree.pilosYml} && chmod 600 ${tree.pilosYml}`),
    by: asBbb,
  },
  {
    what: "a file of BBB's configuration that who asks may not read",
    check: 'bbb_yml',
    status: 77,
    says: /bigbluebutton\.yml: permission denied \(EACCES\)/,
    spoil: ({ sh, tree }) => sh(`chown 0:0 ${tree.bigbluebuttonYml} && chmod 600 ${tree.bigbluebuttonYml}`),
    by: asBbb,
  },
  {
    what: 'a pilos.yml that only root may read',
    check: 'config_readable',
    status: 77,
    says: /the user of BBB cannot read \S+pilos\.yml: chmod/,
    spoil: ({ tree }) => {
      chownSync(tree.pilosYml, 0, 0);
      chmodSync(tree.pilosYml, 0o600);
    },
  },
  {
    what: "a directory of BBB's configuration that only root may enter",
    check: 'config_readable',
    status: 77,
    says: /the user of BBB cannot read \S+bigbluebutton\/recording: chmod/,
    spoil: ({ tree }) => {
      chownSync(dirname(tree.pilosYml), 0, 0);
      chmodSync(dirname(tree.pilosYml), 0o700);
    },
  },
  {
    what: 'rsync options for a spool that is a directory',
    check: 'ignored_options',
    status: 0,
    says: /these options have no effect/,
    spoil: ({ sh, tree }) =>
      sh(`printf 'extra_rsync_opts: [\\n  --bwlimit=1M,\\n ]\\norigins:\\n- PILOS\\n' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i '/^extra_rsync_opts/,/]/d' ${tree.pilosYml}`),
  },
];

const server: CheckCase[] = [
  {
    what: 'a published_dir of root',
    check: 'bbb_user',
    status: 78,
    says: /belongs to root/,
    spoil: ({ tree }) => chownSync(tree.publishedDir, 0, 0),
  },
  {
    what: 'a worker that does not run',
    check: 'worker',
    status: 0,
    says: /no recording is processed/,
    spoil: ({ sh }) => sh('systemctl stop bbb-rap-resque-worker.service'),
  },
  {
    what: 'a missing published_dir',
    check: 'published_dir',
    status: 78,
    says: /does not exist/,
    spoil: ({ tree }) => rmSync(tree.publishedDir, { recursive: true }),
  },
  {
    what: 'a published_dir whose disk is not mounted, though fstab says so,',
    check: 'published_dir',
    status: 78,
    says: /published is not mounted, though \/etc\/fstab or a mount unit says so: install -d -m 0 \S+ && mount /,
    spoil: ({ sh, tree }) =>
      sh(`mv ${tree.publishedDir} ${tree.root}/disk && cp /etc/fstab /etc/fstab.kept &&
        echo '${tree.root}/disk ${tree.publishedDir} none bind 0 0' >> /etc/fstab`),
    afterwards: ({ sh, tree }) =>
      sh(`umount ${tree.publishedDir} && rmdir ${tree.publishedDir} &&
        mv ${tree.root}/disk ${tree.publishedDir} && cp /etc/fstab.kept /etc/fstab`),
  },
  {
    what: 'a recording_dir that is closed',
    check: 'recording_dir',
    status: 77,
    says: /cannot read/,
    spoil: ({ tree }) => {
      chownSync(tree.recordingDir, 0, 0);
      chmodSync(tree.recordingDir, 0o700);
    },
  },
  {
    what: 'status files that cannot be written',
    check: 'status_dir',
    status: 77,
    says: /cannot write there/,
    spoil: ({ sh, tree }) =>
      sh(`cd ${tree.recordingDir}/status && chown 0:0 published && chmod u-w published`),
  },
  {
    what: 'a work_dir of root, behind a symbolic link',
    check: 'work_dir',
    status: 77,
    says: /cannot write there/,
    spoil: ({ sh, tree }) =>
      sh(`cd ${tree.root} && mv ${tree.workDir} work && ln -s ${tree.root}/work ${tree.workDir} &&
        chown 0:0 work && chmod u-w work`),
  },
  {
    what: 'a work_dir in a directory that only root may enter',
    check: 'work_dir',
    status: 77,
    says: /cannot enter .*\/closed: chmod/,
    spoil: ({ bbb, sh, tree }) =>
      sh(`install -d -o ${bbb.uid} ${tree.root}/closed/work && chmod 700 ${tree.root}/closed &&
        sed -i 's|^work_dir:.*|work_dir: ${tree.root}/closed/work|' ${tree.pilosYml}`),
    afterwards: ({ sh, tree }) => sh(`sed -i 's|^work_dir:.*|work_dir: ${tree.workDir}|' ${tree.pilosYml}`),
  },
  {
    what: 'a work_dir that cannot be created',
    check: 'work_dir',
    status: 77,
    says: /cannot create it/,
    spoil: ({ tree }) => {
      rmSync(tree.workDir, { recursive: true });
      chownSync(tree.recordingDir, 0, 0);
      chmodSync(tree.recordingDir, 0o755);
    },
  },
  {
    what: 'a file in the place of work_dir',
    check: 'work_dir',
    status: 78,
    says: /it is not a directory: correct work_dir/,
    spoil: ({ sh, tree }) => sh(`rm -r ${tree.workDir} && touch ${tree.workDir}`),
    byHand: ({ bbb, sh, tree }) =>
      sh(`rm ${tree.workDir} && install -d -o ${bbb.uid} -g ${bbb.gid} ${tree.workDir}`),
  },
  {
    what: 'a directory that a run as root has left in work_dir',
    check: 'work_dir_owner',
    status: 77,
    says: /belong to somebody else, for example .*\/ledger/,
    spoil: ({ tree }) => mkdirSync(join(tree.workDir, 'ledger'), { mode: 0o755 }),
  },
  {
    what: 'a file that a run as root has left in work_dir',
    check: 'work_dir_owner',
    status: 0,
    says: /1 of its files and directories/,
    spoil: ({ tree }) => writeFileSync(join(tree.workDir, 'old.tar'), 'x'),
  },
  {
    what: 'a log file of root',
    check: 'log_file',
    status: 77,
    says: /cannot write it/,
    spoil: ({ tree }) => {
      const file = join(tree.logDir, 'post_publish.log');
      writeFileSync(file, '');
      chmodSync(file, 0o644);
    },
  },
  {
    what: 'a log file in a directory that does not exist',
    check: 'log_file',
    status: 77,
    says: /cannot create it/,
    spoil: ({ sh, tree }) => sh(`echo 'log_file: ${tree.root}/new/log' >> ${tree.pilosYml}`),
  },
  {
    what: 'a directory of metrics_file that does not exist',
    check: 'metrics_file',
    status: 77,
    says: /does not exist, and a delivery cannot create it/,
    spoil: ({ sh, tree }) => sh(`echo 'metrics_file: ${tree.root}/metrics/pilos.prom' >> ${tree.pilosYml}`),
  },
  {
    what: 'a directory of metrics_file that belongs to root',
    check: 'metrics_file',
    status: 77,
    says: /cannot write there/,
    spoil: ({ tree }) => chownSync(join(tree.root, 'metrics'), 0, 0),
  },
  {
    what: 'a file in the place of the directory of metrics_file',
    check: 'metrics_file',
    status: 78,
    says: /it is not a directory: correct metrics_file/,
    spoil: ({ sh, tree }) => sh(`rm -r ${tree.root}/metrics && touch ${tree.root}/metrics`),
    byHand: ({ bbb, sh, tree }) =>
      sh(`rm ${tree.root}/metrics && install -d -o ${bbb.uid} ${tree.root}/metrics`),
  },
  {
    what: 'a log file in a directory that only root may enter',
    check: 'log_file',
    status: 77,
    says: /cannot enter .*\/new: chmod/,
    spoil: ({ sh, tree }) => sh(`chmod 700 ${tree.root}/new`),
  },
  {
    what: 'a directory of metrics_file in one that only root may enter',
    check: 'metrics_file',
    status: 77,
    says: /cannot enter .*\/closed: chmod/,
    spoil: ({ bbb, sh, tree }) =>
      sh(`install -d -o ${bbb.uid} ${tree.root}/closed/metrics && chmod 700 ${tree.root}/closed &&
        sed -i 's|^metrics_file:.*|metrics_file: ${tree.root}/closed/metrics/pilos.prom|' ${tree.pilosYml}`),
  },
  {
    what: 'a program for notify in a directory that only root may enter',
    check: 'notify',
    status: 77,
    says: /cannot enter .*\/programs: chmod/,
    spoil: ({ sh, tree }) =>
      sh(`install -D /bin/true ${tree.root}/programs/notify && chmod 700 ${tree.root}/programs &&
        echo 'notify: ${tree.root}/programs/notify' >> ${tree.pilosYml}`),
    afterwards: ({ sh, tree }) => sh(`sed -i '/^notify/d; /^metrics_file/d' ${tree.pilosYml}`),
  },
  {
    what: 'a program for notify that is not there',
    check: 'notify',
    status: 78,
    says: /there is no such program/,
    spoil: ({ sh, tree }) => sh(`echo 'notify: ${tree.root}/nowhere' >> ${tree.pilosYml}`),
    byHand: ({ sh, tree }) => sh(`sed -i /^notify/d ${tree.pilosYml}`),
  },
  {
    what: 'a program for notify that is not executable',
    check: 'notify',
    status: 78,
    says: /it is not executable/,
    spoil: ({ sh, tree }) =>
      sh(`touch ${tree.root}/notify && echo 'notify: [${tree.root}/notify, admin]' >> ${tree.pilosYml}`),
  },
  {
    what: 'a log_dir that is a link to what is not there',
    check: 'log_dir',
    status: 78,
    says: /it is neither a directory nor a link to one: correct log_dir/,
    spoil: ({ sh, tree }) =>
      sh(
        `sed -i /^log_file/d ${tree.pilosYml} && mv ${tree.logDir} ${tree.root}/kept && ln -s ${tree.root}/disk ${tree.logDir}`,
      ),
    byHand: ({ sh, tree }) => sh(`mv ${tree.root}/kept ${tree.root}/disk`),
  },
];

/** In this order: the second one needs the user of the first. */
const accounts: CheckCase[] = [
  {
    what: 'a server without any user of BBB',
    check: 'bbb_user',
    status: 78,
    says: /belongs to uid \d+, which no user has, but BBB's scripts run as bigbluebutton/,
    spoil: ({ bbb, sh, tree }) =>
      // What else `useradd` writes than /etc is laid over, so that it does not reach this machine.
      sh(`for each in /home /var/mail /var/log; do mount -t tmpfs tmpfs $each; done
        sed -i '/^${bbb.name}:/d; /^bigbluebutton:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow
        systemctl stop bbb-rap-resque-worker.service && chmod o+w ${tree.spoolDir}`),
  },
  {
    what: "a server where root has made all of BBB's directories",
    check: 'bbb_user',
    status: 78,
    says: /belongs to root, but BBB's scripts run as bigbluebutton/,
    spoil: ({ sh, tree }) => sh(`chown -RH 0:0 ${tree.publishedDir} ${tree.recordingDir} ${tree.logDir}`),
  },
];

describe('the configuration', () => {
  itFindsAndFixes(scene, configuration);
});
describe('the BBB server', () => {
  itFindsAndFixes(scene, server);
  itFindsAndFixes(scene, accounts);
});
