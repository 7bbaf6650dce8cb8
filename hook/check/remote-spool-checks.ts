/** A spool on another host: each step of the way there, and what an archive needs besides. */
import { EXIT } from '../errors.ts';
import { remoteDirectory, type Transfer } from '../spool/rsync/arguments.ts';
import { sh } from '../system/shell-quote.ts';
import { quote } from '../terminal/escape.ts';
import type { Facts } from './facts.ts';
import { createDirectoryCommand } from './remote-arguments.ts';
import {
  asUser,
  classifyFailure,
  type RemoteFacts,
  type RemoteStep,
  remoteSteps,
} from './remote-failures.ts';
import type { RsyncEnd } from './remote-rsync.ts';
import type { RemoteSpool, RemoteTest } from './remote-spool.ts';
import { listed, ok, problem, type Row, rowsOf, skipped, type Verdict, warning } from './table.ts';

const row = rowsOf('Spool');

type TestedSpool = RemoteSpool & RemoteFacts & { test: RemoteTest };

export function remoteSpoolChecks(spool: RemoteSpool, { accounts }: Facts): Row[] {
  const { hasRsync, sshRefusal, address, test } = spool;
  const noRsync = problem(EXIT.config, 'it does not', 'apt-get install --reinstall --yes rsync');
  const ssh = sshRefusal === undefined ? ok : decideSshRefusal(accounts.ranAs, sshRefusal);
  return [
    row('rsync', 'rsync runs here', hasRsync ? ok : noRsync),
    ...(address.kind === 'ssh' ? [row('ssh', 'ssh runs here', ssh)] : []),
    ...(test === undefined ? [] : testedSpoolChecks({ ...spool, test, user: accounts.user })),
  ];
}

/** Of a spool that something was sent to. */
function testedSpoolChecks(spool: TestedSpool): Row[] {
  const directory = remoteDirectory(spool.transfer);
  const renames = 'a complete archive can be renamed there, so that a cut transfer resumes';
  const isOverSsh = spool.ssh !== undefined;
  const steps = remoteSteps.filter((step) => isOverSsh || !['host_key', 'ssh_key'].includes(step));
  return listed(
    ...steps.map((step) => row(step, titles[step](spool, directory), decideStep(step, spool))),
    isOverSsh && row('remote_lock', 'two transfers at once', decideLocking(spool), remoteSteps),
    row('remote_rename', renames, decideRenaming(spool), remoteSteps),
    ...spool.test.subDirs.map(({ transfer, sent }) => {
      const title = `sub directory that PILOS asks for: ${remoteDirectory(transfer)}`;
      return row('sub_directory', title, decideRemoteSubDirectory(spool, transfer, sent));
    }),
  );
}

/** ssh does not begin: `ssh -G` fails as any connection would. */
export function decideSshRefusal(user: string, said: string): Verdict {
  if (said === '')
    return problem(EXIT.config, 'it does not', 'apt-get install --reinstall --yes openssh-client');
  const file = /^Bad owner or permissions on (\/.*)$/.exec(said)?.[1];
  const text = `it refuses its configuration: ${quote(said)}`;
  if (file === undefined) return problem(EXIT.config, text, 'correct the line that it names');
  // What is in /etc/ssh is read by everybody.
  const [owner, mode] = file.startsWith('/etc/') ? ['root', 644] : [user, 600];
  return problem(EXIT.config, text, sh`chown ${owner}: ${file} && chmod ${mode} ${file}`);
}

const underWay = skipped('another transfer is under way');

const titles: Record<RemoteStep, (spool: TestedSpool, directory: string) => string> = {
  host: ({ address, ssh }) =>
    ssh === undefined
      ? `host ${address.host} answers`
      : `host ${ssh.alias} (${ssh.hostname} port ${ssh.port}) answers`,
  host_key: ({ ssh }) => `its ssh host key is known as ${ssh?.knownName}`,
  ssh_key: ({ ssh }) => `user ${ssh?.user} there accepts our key, ${ssh?.key ?? 'of which there is none'}`,
  remote_rsync: () => 'rsync there takes what is sent',
  remote_directory: (_, directory) => `directory ${directory}`,
  remote_write: ({ test, transfer }, directory) =>
    `test file ${transfer.baseName} in ${directory}, ${test.isLeft ? 'where it is left: PILOS ignores it' : 'which was removed again'}`,
};

function decideStep(step: RemoteStep, spool: TestedSpool): Verdict {
  const { failure, stderr } = spool.test.sent;
  if (failure === undefined) return ok;
  if (failure.isLocked) return ['remote_directory', 'remote_write'].includes(step) ? underWay : ok;
  const { step: failed, status, fix = failure.fix } = classifyFailure(failure, stderr, spool);
  const distance = remoteSteps.indexOf(step) - remoteSteps.indexOf(failed);
  if (distance > 0) return skipped(`fix ${failed} first`);
  return distance < 0 ? ok : problem(status, failure.message, fix);
}

function decideLocking({ test: { sent, isLocked }, address }: TestedSpool): Verdict {
  const text = `rrsync on ${address.host} allows one transfer at a time`;
  const fix = "put 'rrsync -wo -no-lock DIR' into authorized_keys there (docs/ssh.md)";
  if (sent.failure?.isLocked) return warning(`${text}, and another one is under way: check again later`, fix);
  if (isLocked === undefined) return skipped('no second connection was made');
  return isLocked ? warning(`${text}: of several BBB servers or formats, all but one wait`, fix) : ok;
}

export function decideRenaming(spool: RemoteFacts & { test: Pick<RemoteTest, 'renaming'> }): Verdict {
  const { renaming } = spool.test;
  if (renaming === 'renamed') return ok;
  if (renaming === undefined) return skipped('nothing arrived there');
  if (renaming === 'vanished') {
    const fix = 'stop what removes files there before PILOS has them';
    return problem(EXIT.spool, 'the test file was sent, but is not there any more', fix);
  }
  if (renaming.isLocked) return underWay;
  // A delivery then sends the archive whole.
  if (renaming.isDeletionRefused)
    return warning(
      'rsync there may not delete, and so not rename: a cut transfer starts again at its first byte',
      renaming.fix,
    );
  const { status, fix = renaming.fix } = classifyFailure(renaming, '', spool);
  // The directory itself can be written: the test file is there.
  const attributes = "look for its attributes ('lsattr -d') and its sticky bit there";
  return problem(status, renaming.message, renaming.code === 'spool_not_writable' ? attributes : fix);
}

/** One that PILOS meetings of this server have asked for. */
function decideRemoteSubDirectory(
  spool: RemoteFacts,
  transfer: Transfer,
  { failure, stderr }: RsyncEnd,
): Verdict {
  if (failure === undefined) return ok;
  if (failure.isLocked) return underWay;
  const { status, fix = failure.fix } = classifyFailure(failure, stderr, spool);
  const isMissing = ['spool_dir_missing', 'spool_dir_unusable'].includes(failure.code);
  const create = asUser(spool.user, createDirectoryCommand(transfer));
  return problem(status, failure.message, isMissing ? create : fix);
}
