/** What is known of a spool on another host: a tiny file takes the way of an archive. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpoolAddress } from '../config/spool-address.ts';
import { saysRenamed, sendArguments, sendWholeArguments, type Transfer } from '../spool/rsync/arguments.ts';
import type { RsyncFailure } from '../spool/rsync/failure.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { acquireLock } from '../system/lock.ts';
import { hostId } from '../system/run-token.ts';
import type { SpoolContext } from './local-spool.ts';
import {
  holdArguments,
  renamedName,
  testDeleteArguments,
  testRenameArguments,
  testTransfer,
} from './remote-arguments.ts';
import {
  type FailedTransfer,
  hasFailed,
  holdConnection,
  runRsync,
  runRsyncPatiently,
} from './remote-rsync.ts';
import { readSshFacts, type SshFacts } from './ssh.ts';

export interface RemoteSpool {
  address: Exclude<SpoolAddress, { kind: 'local' }>;
  /** Of the spool directory itself. */
  transfer: Transfer;
  hasRsync: boolean;
  /** Undefined for a daemon, and when ssh does not run. */
  ssh: SshFacts | undefined;
  /** What ssh says instead of reading its configuration, '' for nothing: then it is missing, or broken. */
  sshRefusal: string | undefined;
  /** Undefined when a program is missing here. */
  test: RemoteTest | undefined;
}

export interface RemoteTest {
  /** What kept the test file from arriving. */
  failed: FailedTransfer | undefined;
  /** It could not be removed there. */
  isLeft: boolean;
  /** Two transfers at once are refused; undefined: not tried. */
  isLocked: boolean | undefined;
  /** How renaming it went; undefined: not tried. */
  renaming: 'renamed' | 'vanished' | RsyncFailure | undefined;
  subDirs: readonly { transfer: Transfer; failed: FailedTransfer | undefined }[];
}

export async function readRemoteSpool(
  { config, accounts, options, subDirs }: SpoolContext,
  address: RemoteSpool['address'],
): Promise<RemoteSpool> {
  const hasRsync = (await runChild(['rsync', '--version'], options)).exitStatus === 0;
  const read = address.kind === 'ssh' ? await readSshFacts(address.host, accounts, options) : undefined;
  const sshRefusal = read !== undefined && 'refusal' in read ? read.refusal : undefined;
  const ssh = read !== undefined && 'alias' in read ? read : undefined;
  const { name: baseName, release } = await takeTestName(address.host);
  try {
    const transferTo = (subDir: string) =>
      testTransfer(address, subDir, { extraOptions: config.extraRsyncOptions, baseName });
    const canTest = hasRsync && sshRefusal === undefined;
    const test = canTest
      ? await inScratch(baseName, (files) => tryOut({ ...files, transferTo, options }, subDirs))
      : undefined;
    return { address, transfer: transferTo(''), hasRsync, ssh, sshRefusal, test };
  } finally {
    await release();
  }
}

/**
 * Several servers, and several runs on one, may test at the same moment: none may remove or rename the file of another.
 * PILOS looks at files that end in `.tar` only. Numbers are used again, so that a key that may not delete keeps one file.
 */
async function takeTestName(host: string): Promise<{ name: string; release: () => Promise<void> }> {
  for (let number = 0; ; number += 1) {
    const name = `pilos-post-publish-check.${hostId()}.${number}`;
    const lock = await acquireLock(`${name} ${process.geteuid?.()}@${host}`, { wait: false });
    if (lock !== undefined) return { name, release: lock.release };
  }
}

interface Scratch {
  file: string;
  emptyDirectory: string;
}

interface Trial extends Scratch {
  transferTo: (subDir: string) => Transfer;
  options: ChildOptions;
}

/** Not in work_dir, which may be broken. */
async function inScratch<T>(name: string, action: (files: Scratch) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'pilos-post-publish-check-'));
  const files = { file: `${directory}/${name}`, emptyDirectory: `${directory}/empty` };
  try {
    writeFileSync(files.file, 'A test of pilos-post-publish check; it can be deleted.\n');
    mkdirSync(files.emptyDirectory);
    return await action(files);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The whole way of an archive to the spool directory itself, and to each sub directory. */
async function tryOut(trial: Trial, subDirs: readonly string[]): Promise<RemoteTest> {
  const transfer = trial.transferTo('');
  const { failed, refusal } = await send(trial, transfer);
  const isReached = failed === undefined || /^spool_|^restricted/.test(failed.failure.code);
  const further = isReached ? await sendToSubDirectories(trial, subDirs) : [];
  const nothing = { isLeft: true, isLocked: undefined, renaming: undefined };
  if (failed !== undefined) return { ...nothing, failed, subDirs: further };
  const { isLocked, renaming } = await renameBeside(trial, transfer, refusal);
  const { baseName } = transfer;
  const name = renaming === 'renamed' ? renamedName(baseName) : baseName;
  return { failed, isLocked, renaming, isLeft: !(await remove(trial, transfer, name)), subDirs: further };
}

/** What comes next comes while another connection is held: rrsync may let in only one. A daemon has no lock. */
async function renameBeside(
  { file, emptyDirectory, options }: Trial,
  transfer: Transfer,
  refusal: RsyncFailure | undefined,
): Promise<Pick<RemoteTest, 'isLocked' | 'renaming'>> {
  const args = refusal ? sendWholeArguments(transfer, file) : testRenameArguments(transfer, emptyDirectory);
  const isDaemon = transfer.address.kind === 'daemon';
  const held = isDaemon ? undefined : await holdConnection(holdArguments(transfer), options);
  const beside = await runRsync(transfer, args, options);
  held?.closeInput();
  await held?.result;
  const isRefused = hasFailed(beside) && beside.failure.isLocked;
  const isLocked = held === undefined ? undefined : isRefused;
  if (refusal !== undefined) return { isLocked, renaming: refusal };
  const renamed = isRefused ? await runRsyncPatiently(transfer, args, options) : beside;
  if (hasFailed(renamed)) return { isLocked, renaming: renamed.failure };
  return { isLocked, renaming: saysRenamed(renamed.stdout, transfer.baseName) ? 'renamed' : 'vanished' };
}

/** Sends the test file as an archive is sent, or in the way for keys that may not rename. */
async function send(
  { file, options }: Trial,
  transfer: Transfer,
): Promise<{ failed: FailedTransfer | undefined; refusal?: RsyncFailure }> {
  const sent = await runRsyncPatiently(transfer, sendArguments(transfer, file), options);
  if (!hasFailed(sent)) return { failed: undefined };
  if (!sent.failure.isDeletionRefused) return { failed: sent };
  const whole = await runRsyncPatiently(transfer, sendWholeArguments(transfer, file), options);
  return { failed: hasFailed(whole) ? whole : undefined, refusal: sent.failure };
}

/** True when nothing of the test is left there. */
async function remove(
  { emptyDirectory, options }: Trial,
  transfer: Transfer,
  name: string,
): Promise<boolean> {
  const args = testDeleteArguments(transfer, emptyDirectory, name);
  const removed = await runRsyncPatiently(transfer, args, options);
  return !hasFailed(removed) && saysRenamed(removed.stdout, name);
}

async function sendToSubDirectories(
  trial: Trial,
  subDirs: readonly string[],
): Promise<RemoteTest['subDirs']> {
  const sent: { transfer: Transfer; failed: FailedTransfer | undefined }[] = [];
  for (const subDir of subDirs) {
    const transfer = trial.transferTo(subDir);
    const { failed } = await send(trial, transfer);
    sent.push({ transfer, failed });
    if (failed === undefined) await remove(trial, transfer, transfer.baseName);
  }
  return sent;
}
