/** A spool on another host: each step of the way there, and what an archive needs besides. */
import { EXIT } from '../errors.ts';
import { remoteDirectory, type Transfer } from '../spool/rsync/arguments.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { quote } from '../terminal/escape.ts';
import { definer } from './define.ts';
import type { Facts, SpoolFacts } from './facts.ts';
import { createDirectoryCommand } from './remote-arguments.ts';
import {
  asUser,
  classifyFailure,
  type RemoteFacts,
  type RemoteFailure,
  type RemoteStep,
  remoteSteps,
} from './remote-failures.ts';
import type { FailedTransfer } from './remote-rsync.ts';
import type { RemoteSpool, RemoteTest } from './remote-spool.ts';
import { ok, problem, skipped, type Verdict, warning } from './result.ts';

const { one, each } = definer<Facts & SpoolFacts>('Spool');

/** Where something was sent. */
const tested = ({ remoteSpool: spool, accounts }: Facts & SpoolFacts) =>
  spool?.test && { ...spool, test: spool.test, user: accounts.user };
type TestedSpool = RemoteSpool & RemoteFacts & { test: RemoteTest };

export const remoteSpoolChecks = [
  one({
    check: 'rsync',
    of: ({ remoteSpool }) => remoteSpool,
    title: 'rsync runs here',
    decide: ({ hasRsync }) =>
      hasRsync ? ok : problem(EXIT.config, 'it does not', 'apt-get install --reinstall --yes rsync'),
  }),
  one({
    check: 'ssh',
    of: ({ remoteSpool }) => (remoteSpool?.address.kind === 'ssh' ? remoteSpool : undefined),
    title: 'ssh runs here',
    decide: ({ sshRefusal }, { accounts }) =>
      sshRefusal === undefined ? ok : decideSshRefusal(accounts.ranAs, sshRefusal),
  }),
  ...remoteSteps.map((step) =>
    one({
      check: step,
      of: (facts) => (isOfSsh(step) && facts.remoteSpool?.ssh === undefined ? undefined : tested(facts)),
      title: (spool) => describeStep(step, spool),
      decide: (spool) => decideStep(step, spool),
    }),
  ),
  one({
    check: 'remote_lock',
    of: (facts) => (facts.remoteSpool?.ssh === undefined ? undefined : tested(facts)),
    title: 'two transfers at once',
    after: remoteSteps,
    decide: ({ test, address }) => decideLocking(test, address.host),
  }),
  one({
    check: 'remote_rename',
    of: tested,
    title: 'a complete archive can be renamed there, so that a cut transfer resumes',
    after: remoteSteps,
    decide: decideRenaming,
  }),
  each({
    check: 'sub_directory',
    of: (facts) =>
      (tested(facts)?.test.subDirs ?? []).map((sent) => ({ ...sent, spool: tested(facts) as TestedSpool })),
    title: ({ transfer }) => `sub directory that PILOS asks for: ${remoteDirectory(transfer)}`,
    decide: ({ spool, transfer, failed }) => decideRemoteSubDirectory(spool, transfer, failed),
  }),
];

/** ssh does not begin: `ssh -G` fails as any connection would. */
export function decideSshRefusal(user: string, said: string): Verdict {
  if (said === '')
    return problem(EXIT.config, 'it does not', 'apt-get install --reinstall --yes openssh-client');
  const file = /^Bad owner or permissions on (\/.*)$/.exec(said)?.[1];
  const text = `it refuses its configuration: ${quote(said)}`;
  if (file === undefined) return problem(EXIT.config, text, 'correct the line that it names');
  // What is in /etc/ssh is read by everybody.
  const [owner, mode] = file.startsWith('/etc/') ? ['root', 644] : [user, 600];
  const quoted = shellQuote([file]);
  return problem(EXIT.config, text, `chown ${owner}: ${quoted} && chmod ${mode} ${quoted}`);
}

function isOfSsh(step: RemoteStep): boolean {
  return step === 'host_key' || step === 'ssh_key';
}

function decideStep(step: RemoteStep, spool: TestedSpool): Verdict {
  const { failed } = spool.test;
  if (failed === undefined) return ok;
  if (failed.failure.isLocked)
    return ['remote_directory', 'remote_write'].includes(step)
      ? skipped('another transfer is under way')
      : ok;
  const failure = classifyFailure(failed, spool);
  const distance = remoteSteps.indexOf(step) - remoteSteps.indexOf(failure.step);
  if (distance > 0) return skipped(`fix ${failure.step} first`);
  return distance < 0 ? ok : describe(failed, failure);
}

function describe(
  { failure }: FailedTransfer,
  { status, fix = failure.fix }: Omit<RemoteFailure, 'step'>,
): Verdict {
  return problem(status, failure.message, fix);
}

function describeStep(step: RemoteStep, { address, ssh, transfer, test }: TestedSpool): string {
  const directory = remoteDirectory(transfer);
  switch (step) {
    case 'host':
      return ssh === undefined
        ? `host ${address.host} answers`
        : `host ${ssh.alias} (${ssh.hostname} port ${ssh.port}) answers`;
    case 'host_key':
      return `its ssh host key is known as ${ssh?.knownName}`;
    case 'ssh_key':
      return `user ${ssh?.user} there accepts our key, ${ssh?.key ?? 'of which there is none'}`;
    case 'remote_rsync':
      return 'rsync there takes what is sent';
    case 'remote_directory':
      return `directory ${directory}`;
    case 'remote_write':
      return `test file ${transfer.baseName} in ${directory}${test.isLeft ? ', where it is left: PILOS ignores it' : ', which was removed again'}`;
  }
}

const severalFix = "put 'rrsync -wo -no-lock DIR' into authorized_keys there (docs/ssh.md)";

function decideLocking({ failed, isLocked }: RemoteTest, host: string): Verdict {
  const text = `rrsync on ${host} allows one transfer at a time`;
  if (failed?.failure.isLocked)
    return warning(`${text}, and another one is under way: check again later`, severalFix);
  if (isLocked === undefined) return skipped('no second connection was made');
  return isLocked ? warning(`${text}: of several BBB servers or formats, all but one wait`, severalFix) : ok;
}

export function decideRenaming(spool: RemoteFacts & { test: Pick<RemoteTest, 'renaming'> }): Verdict {
  const { renaming } = spool.test;
  if (renaming === 'renamed') return ok;
  if (renaming === undefined) return skipped('nothing arrived there');
  if (renaming === 'vanished') {
    const fix = 'stop what removes files there before PILOS has them';
    return problem(EXIT.spool, 'the test file was sent, but is not there any more', fix);
  }
  if (renaming.isLocked) return skipped('another transfer is under way');
  if (renaming.isDeletionRefused) {
    // A delivery then sends the archive whole.
    const text =
      'rsync there may not delete, and so not rename: a cut transfer starts again at its first byte';
    return warning(text, renaming.fix);
  }
  const { status, fix = renaming.fix } = classifyFailure({ failure: renaming, stderr: '' }, spool);
  // The directory itself can be written: the test file is there.
  const attributes = "look for its attributes ('lsattr -d') and its sticky bit there";
  return problem(status, renaming.message, renaming.code === 'spool_not_writable' ? attributes : fix);
}

/** One that PILOS meetings of this server have asked for. */
function decideRemoteSubDirectory(
  spool: RemoteFacts,
  transfer: Transfer,
  failed: FailedTransfer | undefined,
): Verdict {
  if (failed === undefined) return ok;
  const { failure } = failed;
  if (failure.isLocked) return skipped('another transfer is under way');
  const { status, fix } = classifyFailure(failed, spool);
  const create = asUser(spool.user, createDirectoryCommand(transfer));
  return describe(failed, {
    status,
    fix: ['spool_dir_missing', 'spool_dir_unusable'].includes(failure.code) ? create : fix,
  });
}
