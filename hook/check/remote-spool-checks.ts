/** A spool on another host: each step of the way there, and what an archive needs besides. */
import type { ExpectedError } from '../errors.ts';
import { createDirectoryArguments } from '../spool/rsync/arguments.ts';
import type { RsyncProbe } from '../spool/rsync/probe.ts';
import { transferOf } from '../spool/rsync/run-rsync.ts';
import { remoteDirectory } from '../spool/rsync/transfer.ts';
import { sh } from '../system/shell-quote.ts';
import { quote } from '../terminal/escape.ts';
import {
  asUser,
  classifyFailure,
  type RemoteFacts,
  type RemoteStep,
  remoteSteps,
} from './remote-failures.ts';
import type { RemoteSpool } from './remote-spool-facts.ts';
import { ok, problem, type Rows, row, skipped, type Verdict, warning } from './table.ts';

type ProbedSpool = RemoteSpool & { probe: RsyncProbe };

export function remoteSpoolChecks(spool: RemoteSpool): Rows {
  const { hasRsync, sshRefusal, address, ranAs } = spool;
  const probe = spool.probes.get('');
  const rsync = hasRsync ? ok : problem.setUp('it does not', 'apt-get install --reinstall --yes rsync');
  const ssh = sshRefusal === undefined ? ok : decideSshRefusal(ranAs, sshRefusal);
  return [
    row('rsync', 'rsync runs here', rsync),
    address.kind === 'ssh' && row('ssh', 'ssh runs here', ssh),
    ...(probe === undefined ? [] : probedSpoolChecks({ ...spool, probe })),
  ];
}

/** Of a spool that something was sent to. */
function probedSpoolChecks(spool: ProbedSpool): Rows {
  const { address, ssh, probes } = spool;
  const titles = titlesOf(spool);
  const steps = remoteSteps.filter((step) => ssh !== undefined || !['host_key', 'ssh_key'].includes(step));
  const renames = 'a complete archive can be renamed there, so that a cut transfer resumes';
  const subDirs = [...probes].filter(([subDir]) => subDir !== '');
  return [
    ...steps.map((step) => row(step, titles[step], decideStep(step, spool), remoteSteps)),
    ssh && row('remote_lock', 'two transfers at once', decideLocking(spool), remoteSteps),
    row('remote_rename', renames, decideRenaming(spool), remoteSteps),
    ...subDirs.map(([subDir, probe]) => {
      const title = `sub directory that PILOS asks for: ${remoteDirectory({ address, subDir })}`;
      return row('sub_directory', title, decideRemoteSubDirectory(spool, subDir, probe));
    }),
  ];
}

function titlesOf({ address, ssh, name, probe: { failure, left } }: ProbedSpool): Record<RemoteStep, string> {
  const directory = remoteDirectory({ address, subDir: '' });
  const host = ssh === undefined ? address.host : `${ssh.alias} (${ssh.hostname} port ${ssh.port})`;
  const isRemoved = failure === undefined && left === undefined;
  const fate = isRemoved ? 'which was removed again' : 'where it is left: PILOS ignores it';
  return {
    host: `host ${host} answers`,
    host_key: `its ssh host key is known as ${ssh?.knownName}`,
    ssh_key: `user ${ssh?.user} there accepts our key, ${ssh?.key ?? 'of which there is none'}`,
    remote_rsync: 'rsync there takes what is sent',
    remote_directory: `directory ${directory}`,
    remote_write: `test file ${left ?? name} in ${directory}, ${fate}`,
  };
}

/** ssh does not begin: `ssh -G` fails as any connection would. */
export function decideSshRefusal(user: string, said: string): Verdict {
  if (said === '') return problem.setUp('it does not', 'apt-get install --reinstall --yes openssh-client');
  const file = /^Bad owner or permissions on (\/.*)$/.exec(said)?.[1];
  const text = `it refuses its configuration: ${quote(said)}`;
  if (file === undefined) return problem.setUp(text, 'correct the line that it names');
  // What is in /etc/ssh is read by everybody.
  const [owner, mode] = file.startsWith('/etc/') ? ['root', 644] : [user, 600];
  return problem.setUp(text, sh`chown ${owner}: ${file} && chmod ${mode} ${file}`);
}

const underWay = skipped('another transfer is under way');
const isLock = (failure: ExpectedError | undefined) => failure?.code === 'transfer_under_way';

/** What comes after the step that failed is skipped. */
function decideStep(step: RemoteStep, spool: ProbedSpool): Verdict {
  const { failure } = spool.probe;
  if (failure === undefined) return ok;
  if (isLock(failure)) return ['remote_directory', 'remote_write'].includes(step) ? underWay : ok;
  const classified = classifyFailure(failure, spool);
  return classified.step === step ? classified : ok;
}

function decideLocking({ probe: { failure, isLocked }, address }: ProbedSpool): Verdict {
  const text = `rrsync on ${address.host} allows one transfer at a time`;
  const fix = "put 'rrsync -wo -no-lock DIR' into authorized_keys there (docs/ssh.md)";
  if (isLock(failure)) return warning(`${text}, and another one is under way: check again later`, fix);
  if (isLocked === undefined) return skipped('no second connection was made');
  return isLocked ? warning(`${text}: of several BBB servers or formats, all but one wait`, fix) : ok;
}

export function decideRenaming(spool: RemoteFacts & { probe: RsyncProbe }): Verdict {
  const { renaming } = spool.probe;
  if (isLock(spool.probe.failure ?? renaming)) return underWay;
  if (renaming === undefined) return ok;
  // A delivery then sends the archive whole.
  const again =
    'rsync there may not delete, and so not rename: a cut transfer starts again at its first byte';
  if (renaming.code === 'renaming_refused') return warning(again, renaming.fix);
  const classified = classifyFailure(renaming, spool);
  // The directory itself can be written: the test file is there.
  const fix = "look for its attributes ('lsattr -d') and its sticky bit there";
  return renaming.code === 'spool_not_writable' ? { ...classified, fix } : classified;
}

/** One that PILOS meetings of this server have asked for. */
function decideRemoteSubDirectory(spool: ProbedSpool, subDir: string, probe: RsyncProbe): Verdict {
  const failure = probe.failure ?? (probe.left === undefined ? undefined : probe.renaming);
  if (failure === undefined || failure.code === 'renaming_refused') return ok;
  if (isLock(failure)) return underWay;
  const classified = classifyFailure(failure, spool);
  if (!['spool_dir_missing', 'spool_dir_unusable'].includes(failure.code)) return classified;
  const transfer = transferOf({ ...spool.config, address: spool.address }, '', subDir);
  return { ...classified, fix: asUser(spool.user, ['rsync', ...createDirectoryArguments(transfer)]) };
}
