/** A spool on another host: a tiny file goes the way of an archive, and each step tells what it is. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpoolAddress } from '../config/spool-address.ts';
import { saysRenamed, sendArguments, sendWholeArguments, type Transfer } from '../spool/rsync/arguments.ts';
import { lookAtWorkSpace } from './directories.ts';
import { hasProblem, type Look } from './finding.ts';
import { lookAtPrograms } from './programs.ts';
import {
  holdArguments,
  remoteTestName,
  renamedTestName,
  testDeleteArguments,
  testRenameArguments,
  testTransfer,
} from './remote-arguments.ts';
import { decideArrival, decideLocking, decideRemoteSubDirectory, decideRenaming } from './remote-findings.ts';
import type { RemoteFacts } from './remote-fixes.ts';
import { holdConnection, isTrouble, type RsyncTrouble, runRsync, runRsyncPatiently } from './rsync-run.ts';
import type { RunOptions } from './run.ts';
import type { SpoolContext } from './spool-context.ts';
import { decideSshTrouble, readOwnKey, readSshFacts } from './ssh.ts';

export interface RemoteContext extends SpoolContext {
  address: Exclude<SpoolAddress, { kind: 'local' }>;
}

export async function lookAtRemoteSpool(context: RemoteContext): Promise<Look[]> {
  const { address, account, user, config, options } = context;
  const looks = [lookAtWorkSpace(config.workDir), ...(await lookAtPrograms(address.kind, options))];
  if (hasProblem(looks, 'rsync', 'ssh')) return looks;
  const ssh = address.kind === 'ssh' ? await readSshFacts(address.host, account, options) : undefined;
  if (ssh !== undefined && 'stderr' in ssh)
    return [...looks.filter(({ id }) => id !== 'ssh'), decideSshTrouble(user, ssh)];
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
  const { facts, file, emptyDirectory, options } = test;
  const transfer = test.transferTo('');
  const { trouble, isRenamingRefused } = await send(test, transfer);
  if (trouble !== undefined) {
    const isKeyRefused = trouble.failure.code === 'key_refused';
    const ssh = isKeyRefused && facts.ssh ? await readOwnKey(facts.ssh, options) : facts.ssh;
    return decideArrival({ ...facts, ssh }, { transfer, trouble, isLeft: true });
  }
  const args = isRenamingRefused
    ? sendWholeArguments(transfer, file)
    : testRenameArguments(transfer, emptyDirectory);
  // What comes next comes while another connection is held: rrsync may let in only one.
  const { second, isHeld } = await runBeside(transfer, args, options);
  const isLocked = isTrouble(second) && second.failure.isLocked;
  const renamed = isLocked && !isRenamingRefused ? await runRsyncPatiently(transfer, args, options) : second;
  const renaming = decideRenaming(facts, isRenamingRefused ? undefined : renamed);
  const locking = isHeld ? [decideLocking(facts, isLocked)] : [];
  const isLeft = !(await removeTest(test, transfer, renaming));
  return [...decideArrival(facts, { transfer, trouble, isLeft }), ...locking, renaming];
}

/** Runs a second rsync while a first one is connected. A daemon has no lock, and needs no first one. */
async function runBeside(transfer: Transfer, args: readonly string[], options: RunOptions) {
  const isDaemon = transfer.address.kind === 'daemon';
  const held = isDaemon ? undefined : await holdConnection(holdArguments(transfer), options);
  const second = await runRsync(transfer, args, options);
  held?.end();
  await held?.result;
  return { second, isHeld: held !== undefined };
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
