/** What a test file on its way to another host has met → findings. Pure. */
import { EXIT } from '../errors.ts';
import { remoteDirectory, saysRenamed, type Transfer } from '../spool/rsync/arguments.ts';
import { type Look, ok, problem, skipped, type Trouble, warning } from './finding.ts';
import { createDirectoryCommand, remoteTestName } from './remote-arguments.ts';
import { classifyFailure, type RemoteStep, remoteSteps } from './remote-failure.ts';
import { allowRenaming, allowSeveral, asUser, type Mending, type RemoteFacts } from './remote-fixes.ts';
import { isTrouble, type RsyncSuccess, type RsyncTrouble } from './rsync-run.ts';

export interface Arrival {
  transfer: Transfer;
  trouble: RsyncTrouble | undefined;
  /** The test file could not be removed there. */
  isLeft: boolean;
}

/** One finding for each step of the way. */
export function decideArrival(facts: RemoteFacts, arrival: Arrival): Look[] {
  const { trouble } = arrival;
  const steps = remoteSteps.filter((step) => facts.ssh !== undefined || !isOfSsh(step));
  if (trouble?.failure.code === 'transfer_under_way') return decideOccupied(facts, arrival, steps);
  const failed = trouble && classifyFailure(trouble.failure.code, trouble.stderr, facts);
  const at = failed === undefined ? steps.length : steps.indexOf(failed.step);
  return steps.map((step, index) => {
    const lookedAt = describeStep(step, facts, arrival);
    if (index < at) return ok(step, lookedAt);
    if (index > at || trouble === undefined || failed === undefined) {
      return skipped(step, lookedAt, 'what stands above is to be mended first');
    }
    return problem(step, lookedAt, failed.status, tell(trouble, failed));
  });
}

function isOfSsh(step: RemoteStep): boolean {
  return step === 'host-key' || step === 'ssh-key';
}

/** Another transfer was under way all the time: that is no fault, but nothing more can be seen now. */
function decideOccupied(facts: RemoteFacts, arrival: Arrival, steps: readonly RemoteStep[]): Look[] {
  const isOccupied = (step: RemoteStep) => step === 'remote-directory' || step === 'remote-write';
  const looks = steps.map((step) => {
    const lookedAt = describeStep(step, facts, arrival);
    return isOccupied(step) ? skipped(step, lookedAt, 'another transfer is under way') : ok(step, lookedAt);
  });
  const lock = warning('remote-lock', 'two transfers at once', {
    problem: `rrsync on ${facts.address.host} allows one transfer at a time, and another one is under way: look again later`,
    fix: allowSeveral(facts),
  });
  return [...looks, lock];
}

/** Without a command that mends it, the sentence says what to do. */
function tell({ failure }: RsyncTrouble, { fix, advice = failure.fix }: Mending): Trouble {
  return { problem: `${failure.message}: ${advice}`, fix };
}

function describeStep(
  step: RemoteStep,
  { address, ssh }: RemoteFacts,
  { transfer, isLeft }: Arrival,
): string {
  switch (step) {
    case 'host':
      return ssh === undefined
        ? `host ${address.host} answers`
        : `host ${ssh.alias} (${ssh.hostname} port ${ssh.port}) answers`;
    case 'host-key':
      return `its ssh host key is known as ${ssh?.knownName}`;
    case 'ssh-key':
      return `user ${ssh?.user} there accepts our key (${ssh?.key ?? 'no key of our own is there'})`;
    case 'remote-rsync':
      return 'rsync there takes what is sent';
    case 'remote-directory':
      return `directory ${remoteDirectory(transfer)}`;
    case 'remote-write':
      return isLeft
        ? `test file ${remoteTestName} in ${remoteDirectory(transfer)}, where it is left: PILOS ignores it`
        : `test file ${remoteTestName} in ${remoteDirectory(transfer)}, which was removed again`;
  }
}

export function decideLocking(facts: RemoteFacts, isLocked: boolean): Look {
  const lookedAt = 'two transfers at once';
  if (!isLocked) return ok('remote-lock', lookedAt);
  const wrong = `rrsync on ${facts.address.host} allows one transfer at a time: of several BBB servers or formats, all but one wait`;
  return warning('remote-lock', lookedAt, { problem: wrong, fix: allowSeveral(facts) });
}

/** @param renamed how renaming the test file went; undefined: the server had refused it before */
export function decideRenaming(facts: RemoteFacts, renamed: RsyncSuccess | RsyncTrouble | undefined): Look {
  const lookedAt = 'what is complete can be renamed there, so that a cut transfer goes on where it was';
  if (renamed === undefined || (isTrouble(renamed) && renamed.failure.isDeletionRefused))
    return warning('remote-rename', lookedAt, deletionRefused(facts));
  if (isTrouble(renamed)) return decideFailedRenaming(facts, renamed, lookedAt);
  if (saysRenamed(renamed.stdout, remoteTestName)) return ok('remote-rename', lookedAt);
  return problem('remote-rename', lookedAt, EXIT.spool, {
    problem: `${remoteTestName} was sent, but is not there any more: stop what removes files there before PILOS has them`,
  });
}

/** A delivery then sends the archive whole. */
function deletionRefused(facts: RemoteFacts): Trouble {
  const costs = 'a cut transfer begins at its first byte again';
  if (facts.ssh !== undefined)
    return {
      problem: `the key may not delete, and so not rename: ${costs}`,
      fix: allowRenaming(facts),
    };
  const setting = "remove delete and backup from 'refuse options' in rsyncd.conf there";
  return { problem: `the rsync daemon refuses to delete, and so to rename: ${costs}; ${setting}` };
}

/** Every delivery would fail there after its last byte. */
function decideFailedRenaming(facts: RemoteFacts, trouble: RsyncTrouble, lookedAt: string): Look {
  const { code, isLocked } = trouble.failure;
  if (isLocked) return skipped('remote-rename', lookedAt, 'another transfer is under way');
  const { status } = classifyFailure(code, trouble.stderr, facts);
  // The directory itself can be written: the test file is there.
  const attributes = "look for its attributes ('lsattr -d') and its sticky bit there";
  return problem(
    'remote-rename',
    lookedAt,
    status,
    tell(trouble, code === 'spool_not_writable' ? { advice: attributes } : {}),
  );
}

/** One that PILOS meetings of this server have asked for. */
export function decideRemoteSubDirectory(
  facts: RemoteFacts,
  transfer: Transfer,
  trouble: RsyncTrouble | undefined,
): Look {
  const lookedAt = `sub directory that PILOS asks for: ${remoteDirectory(transfer)}`;
  if (trouble === undefined) return ok('sub-directory', lookedAt);
  if (trouble.failure.isLocked) return skipped('sub-directory', lookedAt, 'another transfer is under way');
  const { status } = classifyFailure(trouble.failure.code, trouble.stderr, facts);
  return problem('sub-directory', lookedAt, status, subDirectoryTrouble(facts, transfer, trouble));
}

function subDirectoryTrouble(facts: RemoteFacts, transfer: Transfer, trouble: RsyncTrouble): Trouble {
  const { code } = trouble.failure;
  if (['spool_dir_missing', 'spool_dir_unusable'].includes(code))
    return tell(trouble, { fix: asUser(facts.user, createDirectoryCommand(transfer)) });
  const path = `${facts.address.path.replace(/\/$/, '')}/${transfer.subDir}`;
  const there = { ...facts, address: { ...facts.address, path } };
  return tell(trouble, classifyFailure(code, trouble.stderr, there));
}
