/** What is known of a spool on another host: a tiny file takes the way of an archive. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpoolAddress } from '../config/spool-address.ts';
import {
  removeArguments,
  saysRenamed,
  sendArguments,
  sendWholeArguments,
  type Transfer,
} from '../spool/rsync/arguments.ts';
import type { RsyncFailure } from '../spool/rsync/failure.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { acquireLock } from '../system/lock.ts';
import { hostId } from '../system/run-token.ts';
import type { SpoolContext } from './local-spool.ts';
import { holdArguments, renamedName, testRenameArguments, testTransfer } from './remote-arguments.ts';
import { holdConnection, type RsyncEnd, runRsync, runRsyncPatiently } from './remote-rsync.ts';
import { readSshFacts } from './ssh.ts';

export type RemoteSpool = Awaited<ReturnType<typeof readRemoteSpool>>;

export interface RemoteTest {
  /** How the test file was sent. */
  sent: RsyncEnd;
  /** It could not be removed there. */
  isLeft: boolean;
  /** Two transfers at once are refused; undefined: not tried. */
  isLocked?: boolean | undefined;
  /** How renaming it went; undefined: not tried. */
  renaming?: 'renamed' | 'vanished' | RsyncFailure;
  subDirs: readonly { transfer: Transfer; sent: RsyncEnd }[];
}

/**
 * `ssh` is undefined for a daemon and when ssh does not run: `sshRefusal` is then what it says instead of reading its
 * configuration, '' for nothing. `test` is undefined when a program is missing here.
 */
export async function readRemoteSpool(
  { config, accounts, options, subDirs }: SpoolContext,
  address: Exclude<SpoolAddress, { kind: 'local' }>,
) {
  const hasRsync = (await runChild(['rsync', '--version'], options)).exitStatus === 0;
  const read = address.kind === 'ssh' ? await readSshFacts(address.host, accounts, options) : {};
  const { ssh, refusal: sshRefusal } = read;
  const { name: baseName, release } = await takeTestName(address.host);
  const transferTo = (subDir: string) =>
    testTransfer(address, subDir, { extraOptions: config.extraRsyncOptions, baseName });
  try {
    const canTest = hasRsync && sshRefusal === undefined;
    const test = canTest
      ? await inScratch(baseName, (files) => tryOut({ ...files, transferTo, options }, subDirs))
      : undefined;
    /** `transfer` is one to the spool directory itself. */
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

interface Trial {
  file: string;
  emptyDirectory: string;
  transferTo: (subDir: string) => Transfer;
  options: ChildOptions;
}

/** Not in work_dir, which may be broken. */
async function inScratch<T>(
  name: string,
  action: (files: Pick<Trial, 'file' | 'emptyDirectory'>) => Promise<T>,
): Promise<T> {
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
  const { sent, refusal } = await send(trial, transfer);
  const isReached = sent.failure === undefined || /^spool_|^restricted/.test(sent.failure.code);
  const further: { transfer: Transfer; sent: RsyncEnd }[] = [];
  for (const subDir of isReached ? subDirs : []) {
    const there = trial.transferTo(subDir);
    const end = await send(trial, there);
    further.push({ transfer: there, sent: end.sent });
    if (end.sent.failure === undefined) await remove(trial, there, there.baseName);
  }
  if (sent.failure !== undefined) return { sent, isLeft: true, subDirs: further };
  const { isLocked, renaming } = await renameBeside(trial, transfer, refusal);
  const { baseName } = transfer;
  const name = renaming === 'renamed' ? renamedName(baseName) : baseName;
  return { sent, isLocked, renaming, isLeft: !(await remove(trial, transfer, name)), subDirs: further };
}

/** What comes next comes while another connection is held: rrsync may let in only one. A daemon has no lock. */
async function renameBeside(
  { file, emptyDirectory, options }: Trial,
  transfer: Transfer,
  refusal: RsyncFailure | undefined,
): Promise<{ isLocked: boolean | undefined; renaming: NonNullable<RemoteTest['renaming']> }> {
  const args = refusal ? sendWholeArguments(transfer, file) : testRenameArguments(transfer, emptyDirectory);
  const isDaemon = transfer.address.kind === 'daemon';
  const held = isDaemon ? undefined : await holdConnection(holdArguments(transfer), options);
  const beside = await runRsync(transfer, args, options);
  held?.closeInput();
  await held?.result;
  const isRefused = beside.failure?.isLocked === true;
  const isLocked = held === undefined ? undefined : isRefused;
  if (refusal !== undefined) return { isLocked, renaming: refusal };
  const { failure, stdout } = isRefused ? await runRsyncPatiently(transfer, args, options) : beside;
  return { isLocked, renaming: failure ?? (saysRenamed(stdout, transfer.baseName) ? 'renamed' : 'vanished') };
}

/** Sends the test file as an archive is sent, or in the way for keys that may not rename. */
async function send(
  { file, options }: Trial,
  transfer: Transfer,
): Promise<{ sent: RsyncEnd; refusal?: RsyncFailure }> {
  const sent = await runRsyncPatiently(transfer, sendArguments(transfer, file), options);
  if (!sent.failure?.isDeletionRefused) return { sent };
  const whole = await runRsyncPatiently(transfer, sendWholeArguments(transfer, file), options);
  return { sent: whole, refusal: sent.failure };
}

/** True when nothing of the test is left there. */
async function remove(trial: Trial, transfer: Transfer, name: string): Promise<boolean> {
  const args = removeArguments({ ...transfer, baseName: name }, trial.emptyDirectory);
  const { failure, stdout } = await runRsyncPatiently(transfer, args, trial.options);
  return failure === undefined && saysRenamed(stdout, name);
}
