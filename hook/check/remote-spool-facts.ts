/** What is known of a spool on another host: a tiny file takes the way of an archive, and archives are asked about. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpoolAddress } from '../config/spool-address.ts';
import { probeParcel } from '../spool/local/probe.ts';
import type { RsyncProbe } from '../spool/rsync/probe.ts';
import { type RsyncSpool, rsyncSpool } from '../spool/rsync/rsync.ts';
import { readSshFacts } from '../spool/rsync/ssh-facts.ts';
import { runChild } from '../system/child-process.ts';
import { acquireLock } from '../system/lock.ts';
import { hostId } from '../system/run-token.ts';
import { readRemoteArchives } from './importer-facts.ts';
import type { SpoolContext } from './local-spool-facts.ts';

export type RemoteSpool = Awaited<ReturnType<typeof readRemoteSpool>>;

/** A host that does not answer counts as dead sooner than for a delivery, and only a lock is waited for, some seconds. */
const impatience = { retry: { attempts: 1, maxSeconds: 1 }, connectSeconds: 5 };
const inputTimeout = '--timeout=8';

/**
 * `ssh` is undefined for a daemon and when ssh does not run: `sshRefusal` is then what it says instead of reading its
 * configuration, '' for nothing. `probes`, by sub directory, are none when a program is missing here.
 */
export async function readRemoteSpool(
  { config, accounts, options, subDirs, recordings }: SpoolContext,
  address: Exclude<SpoolAddress, { kind: 'local' }>,
) {
  const { user, ranAs, account } = accounts;
  const hasRsync = (await runChild(['rsync', '--version'], options)).exitStatus === 0;
  const home = account?.home ?? process.env['HOME'] ?? '/';
  const isOverSsh = address.kind === 'ssh';
  const { ssh, refusal: sshRefusal } = isOverSsh ? await readSshFacts(address.host, home, options) : {};
  const extraRsyncOptions = [inputTimeout, ...config.extraRsyncOptions];
  // Not in work_dir, which may be broken.
  const workDir = mkdtempSync(join(tmpdir(), 'pilos-post-publish-check-'));
  const { name, release } = await takeTestName(address.host);
  const spool = rsyncSpool({ ...config, ...impatience, address, extraRsyncOptions, workDir });
  const signal = options.signal ?? new AbortController().signal;
  const all = ['', ...subDirs];
  try {
    const canTest = hasRsync && sshRefusal === undefined;
    const probes = canTest ? await probe(spool, name, all, signal) : new Map<string, RsyncProbe>();
    const isReached = canTest && probes.get('')?.failure === undefined;
    const archives = isReached ? await readRemoteArchives(spool, all, recordings, signal) : [];
    const basis = { kind: 'remote' as const, config, address, user, ranAs, name };
    return { ...basis, hasRsync, ssh, sshRefusal, probes, archives };
  } finally {
    await release();
    rmSync(workDir, { recursive: true, force: true });
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

/** The spool directory itself first: when the host is not reached, nothing more is tried. */
async function probe(spool: RsyncSpool, name: string, subDirs: readonly string[], signal: AbortSignal) {
  const probes = new Map<string, RsyncProbe>();
  for (const subDir of subDirs) {
    const found = await spool.probe(probeParcel(name, subDir, signal));
    probes.set(subDir, found);
    if (found.failure !== undefined && !/^(?:spool_|restricted)/.test(found.failure.code)) break;
  }
  return probes;
}
