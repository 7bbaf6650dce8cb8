/** A spool on another host: a tiny file goes the way of an archive, and each step tells what it is. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpoolAddress } from '../safe-path.ts';
import { saysRenamed, sendArguments, sendWholeArguments, type Transfer } from '../spool/rsync-arguments.ts';
import { lookAtWorkSpace } from './directories.ts';
import { hasProblem, type Look, ok, warning } from './finding.ts';
import { lookAtPrograms } from './programs.ts';
import {
  holdArguments,
  remoteTestName,
  renamedTestName,
  testDeleteArguments,
  testRenameArguments,
  testTransfer,
} from './remote-arguments.ts';
import { allowRenaming, allowSeveral, type RemoteFacts } from './remote-failure.ts';
import { decideArrival, decideRemoteSubDirectory } from './remote-findings.ts';
import { holdConnection, isTrouble, type RsyncTrouble, runRsync, runRsyncPatiently } from './rsync-run.ts';
import type { RunOptions } from './run.ts';
import type { SpoolContext } from './spool.ts';
import { readSshFacts } from './ssh.ts';

export interface RemoteContext extends SpoolContext {
  address: Exclude<SpoolAddress, { kind: 'local' }>;
}

export async function lookAtRemoteSpool(context: RemoteContext): Promise<Look[]> {
  const { address, account, user, config, options } = context;
  const looks = [lookAtWorkSpace(config.workDir), ...(await lookAtPrograms(address.kind, options))];
  if (hasProblem(looks, 'rsync', 'ssh')) return looks;
  const ssh = address.kind === 'ssh' ? await readSshFacts(address.host, account, options) : undefined;
  // Not in work_dir, which may be what has to be mended.
  const directory = mkdtempSync(join(tmpdir(), 'pilos-post-publish-check-'));
  try {
    const test = prepareTest(directory, context, { address, ssh, user });
    const sent = await sendTest(test);
    const isReached = !hasProblem(sent, 'host', 'host-key', 'ssh-key', 'remote-rsync');
    const subDirs = isReached ? await sendToSubDirectories(test, context.subDirs) : [];
    return [...looks, ...sent, ...subDirs];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface RemoteTest {
  facts: RemoteFacts;
  file: string;
  emptyDirectory: string;
  transferTo: (subDir: string) => Transfer;
  options: RunOptions;
}

function prepareTest(
  directory: string,
  { address, config, options }: RemoteContext,
  facts: RemoteFacts,
): RemoteTest {
  const file = `${directory}/${remoteTestName}`;
  const emptyDirectory = `${directory}/empty`;
  writeFileSync(file, 'A test of pilos-post-publish check; it can be deleted.\n');
  mkdirSync(emptyDirectory);
  const transferTo = (subDir: string) => testTransfer(address, subDir, config.extraRsyncOptions);
  return { facts, file, emptyDirectory, transferTo, options };
}

/** The whole way of an archive to the spool directory itself. */
async function sendTest(test: RemoteTest): Promise<Look[]> {
  const transfer = test.transferTo('');
  const { trouble, isRenamingRefused } = await send(test, transfer);
  if (trouble !== undefined) return decideArrival(test.facts, { transfer, trouble, isLeft: true });
  const locking = await lookAtLocking(test, transfer, isRenamingRefused);
  const renaming = await lookAtRenaming(test, transfer, isRenamingRefused);
  const isLeft = !(await removeTest(test, transfer, renaming));
  return [...decideArrival(test.facts, { transfer, trouble, isLeft }), ...locking, renaming];
}

/** Sends the test file as an archive is sent, or in the way for keys that may not rename. */
async function send(
  { file, options }: RemoteTest,
  transfer: Transfer,
): Promise<{ trouble: RsyncTrouble | undefined; isRenamingRefused: boolean }> {
  const sent = await runRsyncPatiently(transfer, sendArguments(transfer, file), options);
  if (!isTrouble(sent)) return { trouble: undefined, isRenamingRefused: false };
  if (!sent.failure.isDeletionRefused) return { trouble: sent, isRenamingRefused: false };
  const whole = await runRsyncPatiently(transfer, sendWholeArguments(transfer, file), options);
  return { trouble: isTrouble(whole) ? whole : undefined, isRenamingRefused: true };
}

/** Does rrsync allow a second transfer while one is under way? A daemon has no such lock. */
async function lookAtLocking(
  { facts, file, options }: RemoteTest,
  transfer: Transfer,
  isRenamingRefused: boolean,
): Promise<Look[]> {
  if (facts.address.kind === 'daemon') return [];
  const held = await holdConnection(holdArguments(transfer), options);
  if (held === undefined) return [];
  const args = isRenamingRefused ? sendWholeArguments(transfer, file) : sendArguments(transfer, file);
  const second = await runRsync(transfer, args, options);
  held.end();
  await held.result;
  const lookedAt = 'two transfers at once';
  if (!isTrouble(second) || !second.failure.isLocked) return [ok('remote-lock', lookedAt)];
  const problem = `rrsync on ${facts.address.host} allows one transfer at a time: of several BBB servers or formats, all but one wait`;
  return [warning('remote-lock', lookedAt, { problem, remedy: allowSeveral(facts) })];
}

async function lookAtRenaming(test: RemoteTest, transfer: Transfer, isRefused: boolean): Promise<Look> {
  const lookedAt = 'what is complete can be renamed there, so that a cut transfer goes on where it was';
  const problem = 'the key may not delete, and so not rename: a cut transfer begins at its first byte again';
  const refused = warning('remote-rename', lookedAt, { problem, remedy: allowRenaming(test.facts) });
  if (isRefused) return refused;
  const args = testRenameArguments(transfer, test.emptyDirectory);
  const renamed = await runRsyncPatiently(transfer, args, test.options);
  if (isTrouble(renamed)) {
    if (renamed.failure.isDeletionRefused) return refused;
    const { message, remedy } = renamed.failure;
    return warning('remote-rename', lookedAt, { problem: `${message}: ${remedy}` });
  }
  if (saysRenamed(renamed.stdout, remoteTestName)) return ok('remote-rename', lookedAt);
  return warning('remote-rename', lookedAt, {
    problem: `${remoteTestName} was sent, but is not there any more: does something else remove files there, or does extra_rsync_opts?`,
  });
}

/** True when nothing of the test is left there. */
async function removeTest(test: RemoteTest, transfer: Transfer, renaming: Look): Promise<boolean> {
  const name = renaming.state === 'ok' ? renamedTestName : remoteTestName;
  const args = testDeleteArguments(transfer, test.emptyDirectory, name);
  const removed = await runRsyncPatiently(transfer, args, test.options);
  return !isTrouble(removed) && saysRenamed(removed.stdout, name);
}

async function sendToSubDirectories(test: RemoteTest, subDirs: readonly string[]): Promise<Look[]> {
  const looks: Look[] = [];
  for (const subDir of subDirs) {
    const transfer = test.transferTo(subDir);
    const { trouble } = await send(test, transfer);
    looks.push(decideRemoteSubDirectory(test.facts, transfer, trouble));
    if (trouble !== undefined) continue;
    const args = testDeleteArguments(transfer, test.emptyDirectory, remoteTestName);
    await runRsyncPatiently(transfer, args, test.options);
  }
  return looks;
}
