/** Where the spool of this server lies: does its file system answer, is it mounted, is the directory there? Pure. */
import { basename, dirname } from 'node:path';
import type { ProbeFailure } from '../spool/local/probe.ts';
import { isAtOrBelow } from '../system/mounts.ts';
import { describeMount } from '../system/network-mount.ts';
import { describeUnmounted, type PlannedMount, unlessMounted } from '../system/planned-mount.ts';
import { sh } from '../system/shell-quote.ts';
import { createAsRoot, pilosGroupFor } from './as-root.ts';
import type { FoundSpool, LocalSpool } from './local-spool-facts.ts';
import { noAccess, ok, problem, type Verdict, warning } from './table.ts';

/** What a file system says whose server is gone. */
const deadErrnos = ['ESTALE', 'ENOTCONN', 'EIO', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH'];
/** These stay until it is mounted again: the directory was replaced there, or the process behind it has ended. */
const lastingErrnos = ['ESTALE', 'ENOTCONN'];

export function decideAnswers({ answers, isHung, mount, planned }: LocalSpool): Verdict {
  const failures = [...answers.values()].flatMap((steps) => Object.values(steps).map((step) => step.failure));
  const failure = failures.find((one) => deadErrnos.includes(one?.errno ?? ''));
  if (!isHung && failure === undefined) return ok;
  const { point, source } = mount;
  const text = `${failure?.message ?? 'it does not answer'}: ${describeMount(mount)} hangs or is gone`;
  if (point === '/') return problem.spool(text, 'look at the disk (dmesg)');
  const again = planned?.point === point ? ` && ${planned.command}` : '';
  const remount = `${sh`umount --force --lazy ${point}`}${again}`;
  if (lastingErrnos.includes(failure?.errno ?? '')) return problem.spool(text, remount);
  const heals = `bring ${source} and the network to it back: the mount then heals itself`;
  return problem.spool(text, `${heals}; only if they never come back: ${remount}`);
}

export function decideDirectory(spool: LocalSpool): Verdict {
  const failure = spool.answers.get('')?.directory?.failure;
  const missing = 'it does not exist: mount it, create it, or correct spool_dir';
  if (failure?.errno === 'ENOENT') return problem.spool(missing, createSpool(spool));
  if (failure !== undefined) return decideFailure(spool, failure);
  if (spool.found?.isDirectory) return ok;
  return problem.setUp('it is not a directory', 'correct spool_dir in pilos.yml');
}

export function createSpool(spool: LocalSpool): string {
  const { directory, mount, requireMount, pilosGroup } = spool;
  const isThere = typeof requireMount === 'string' ? mount.point === requireMount : mount.point !== '/';
  if (requireMount !== false && !isThere && findMissing(spool) === undefined)
    return 'mount it, which require_mount wants, and add it to /etc/fstab; or correct require_mount';
  const { create, group } = pilosGroupFor(mount, pilosGroup);
  const install = createAsRoot(mount, dirname(directory), [basename(directory)], sh`-m 2775 -g ${group}`);
  return createUnlessMounted(spool, directory, spool, `${create}${install}`);
}

/** Of the same owner and group as the spool. */
export function createSubDirectory(spool: FoundSpool, subDir: string): string {
  const { directory, mount, subDirPlaces, found } = spool;
  const create = createAsRoot(mount, found.path, [subDir], `-m 2775 -o ${found.uid} -g ${found.gid}`);
  return createUnlessMounted(spool, `${directory}/${subDir}`, subDirPlaces.get(subDir), create);
}

/** What is mounted at a directory, and what is to be. */
type Place = Pick<LocalSpool, 'mount' | 'planned'> | undefined;

/** Where a mount belongs, a directory would take the recordings onto the disk of this server. */
function createUnlessMounted(
  { destinations }: LocalSpool,
  directory: string,
  place: Place,
  create: string,
): string {
  const missing = findMissing(place);
  if (missing !== undefined) return missing.command;
  if (!destinations.some((one) => isAtOrBelow(one, directory))) return create;
  return `recordings were delivered there before: mount what was there; only if nothing ever was: ${create}`;
}

/** What is to be mounted there, or above it, and is not. */
function findMissing(place: Place): PlannedMount | undefined {
  return place && unlessMounted(place.planned, place.mount);
}

export function decidePlanned(place: Place): Verdict {
  const missing = findMissing(place);
  if (missing === undefined) return ok;
  const text = `${describeUnmounted(missing)}: recordings would fill the disk below it`;
  return problem.spool(text, missing.command);
}

export function decideMount(spool: LocalSpool): Verdict {
  const { directory, mount, answers } = spool;
  const verdict = decidePlanned(spool);
  if (verdict.state !== 'ok') return verdict;
  const failure = answers.get('')?.write?.failure;
  if (failure?.code === 'spool_not_mounted') return problem.of(failure);
  if (mount.point !== '/') return ok;
  return warning(
    'nothing is mounted there, so recordings stay on the disk of this server',
    `right only when PILOS runs on this very server; otherwise mount PILOS' spool at ${directory}`,
  );
}

/** What a directory that cannot be used needs. */
export function decideFailure({ mount, accounts }: LocalSpool, failure: ProbeFailure): Verdict {
  const { code, errno, closed } = failure;
  if (code === 'eacces' && closed !== undefined) return noAccess(accounts.ranAs, 'enter', closed);
  const isReadOnly = errno === 'EROFS' && mount.point !== '/';
  return problem.of(isReadOnly ? { ...failure, fix: sh`mount -o remount,rw ${mount.point}` } : failure);
}
