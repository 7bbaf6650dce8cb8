/** A spool on another host: each step of the way there, and what an archive needs besides. */
import { EXIT, type ExpectedError } from '../errors.ts';
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
import type { RemoteSpool } from './remote-spool.ts';
import { applicable, ok, problem, type Row, rowsOf, skipped, type Verdict, warning } from './table.ts';

const row = rowsOf('Spool');

type ProbedSpool = RemoteSpool & { probe: RsyncProbe };

export function remoteSpoolChecks(spool: RemoteSpool): Row[] {
  const { hasRsync, sshRefusal, address } = spool;
  const probe = spool.probes.get('');
  const noRsync = problem(EXIT.config, 'it does not', 'apt-get install --reinstall --yes rsync');
  const ssh = sshRefusal === undefined ? ok : decideSshRefusal(spool.ranAs, sshRefusal);
  return [
    row('rsync', 'rsync runs here', hasRsync ? ok : noRsync),
    ...(address.kind === 'ssh' ? [row('ssh', 'ssh runs here', ssh)] : []),
    ...(probe === undefined ? [] : probedSpoolChecks({ ...spool, probe })),
  ];
}

/** Of a spool that something was sent to. */
function probedSpoolChecks(spool: ProbedSpool): Row[] {
  const { address, ssh, probes } = spool;
  const directory = remoteDirectory({ address, subDir: '' });
  const renames = 'a complete archive can be renamed there, so that a cut transfer resumes';
  const steps = remoteSteps.filter((step) => ssh !== undefined || !['host_key', 'ssh_key'].includes(step));
  return applicable(
    ...steps.map((step) => row(step, titles[step](spool, directory), decideStep(step, spool))),
    ssh && row('remote_lock', 'two transfers at once', decideLocking(spool), remoteSteps),
    row('remote_rename', renames, decideRenaming(spool), remoteSteps),
    ...[...probes]
      .filter(([subDir]) => subDir !== '')
      .map(([subDir, probe]) => {
        const title = `sub directory that PILOS asks for: ${remoteDirectory({ address, subDir })}`;
        return row('sub_directory', title, decideRemoteSubDirectory(spool, subDir, probe));
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
const isLock = (failure: ExpectedError | undefined) => failure?.code === 'transfer_under_way';

const titles: Record<RemoteStep, (spool: ProbedSpool, directory: string) => string> = {
  host: ({ address, ssh }) =>
    ssh === undefined
      ? `host ${address.host} answers`
      : `host ${ssh.alias} (${ssh.hostname} port ${ssh.port}) answers`,
  host_key: ({ ssh }) => `its ssh host key is known as ${ssh?.knownName}`,
  ssh_key: ({ ssh }) => `user ${ssh?.user} there accepts our key, ${ssh?.key ?? 'of which there is none'}`,
  remote_rsync: () => 'rsync there takes what is sent',
  remote_directory: (_, directory) => `directory ${directory}`,
  remote_write: ({ name, probe: { failure, left } }, directory) =>
    failure === undefined && left === undefined
      ? `test file ${name} in ${directory}, which was removed again`
      : `test file ${left ?? name} in ${directory}, where it is left: PILOS ignores it`,
};

function decideStep(step: RemoteStep, spool: ProbedSpool): Verdict {
  const { failure } = spool.probe;
  if (failure === undefined) return ok;
  if (isLock(failure)) return ['remote_directory', 'remote_write'].includes(step) ? underWay : ok;
  const { step: failed, status, fix } = classifyFailure(failure, spool);
  const distance = remoteSteps.indexOf(step) - remoteSteps.indexOf(failed);
  if (distance > 0) return skipped(`fix ${failed} first`);
  return distance < 0 ? ok : problem(status, failure.message, fix);
}

function decideLocking({ probe: { failure, isLocked }, address }: ProbedSpool): Verdict {
  const text = `rrsync on ${address.host} allows one transfer at a time`;
  const fix = "put 'rrsync -wo -no-lock DIR' into authorized_keys there (docs/ssh.md)";
  if (isLock(failure)) return warning(`${text}, and another one is under way: check again later`, fix);
  if (isLocked === undefined) return skipped('no second connection was made');
  return isLocked ? warning(`${text}: of several BBB servers or formats, all but one wait`, fix) : ok;
}

export function decideRenaming(spool: RemoteFacts & { probe: RsyncProbe }): Verdict {
  const { failure, renaming } = spool.probe;
  if (failure !== undefined) return skipped('nothing arrived there');
  if (renaming === undefined) return ok;
  if (isLock(renaming)) return underWay;
  // A delivery then sends the archive whole.
  if (renaming.code === 'renaming_refused')
    return warning(
      'rsync there may not delete, and so not rename: a cut transfer starts again at its first byte',
      renaming.fix,
    );
  const { status, fix } = classifyFailure(renaming, spool);
  // The directory itself can be written: the test file is there.
  const attributes = "look for its attributes ('lsattr -d') and its sticky bit there";
  return problem(status, renaming.message, renaming.code === 'spool_not_writable' ? attributes : fix);
}

/** One that PILOS meetings of this server have asked for. */
function decideRemoteSubDirectory(spool: ProbedSpool, subDir: string, probe: RsyncProbe): Verdict {
  const failure = probe.failure ?? (probe.left === undefined ? undefined : probe.renaming);
  if (failure === undefined || failure.code === 'renaming_refused') return ok;
  if (isLock(failure)) return underWay;
  const { status, fix } = classifyFailure(failure, spool);
  const isMissing = ['spool_dir_missing', 'spool_dir_unusable'].includes(failure.code);
  const transfer = transferOf({ ...spool.config, address: spool.address }, '', subDir);
  const create = asUser(spool.user, ['rsync', ...createDirectoryArguments(transfer)]);
  return problem(status, failure.message, isMissing ? create : fix);
}
