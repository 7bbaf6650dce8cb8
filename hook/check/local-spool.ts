/** A spool that is a directory of this server: what is known of it, its file system, and what failed there. */
import { basename, dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { EXIT } from '../errors.ts';
import { askProbe, type ProbeFailure } from '../spool/local/probe.ts';
import type { ChildOptions } from '../system/child-process.ts';
import { type Mount, mountOf } from '../system/mounts.ts';
import { readText } from '../system/paths.ts';
import { type PlannedMount, readPlannedMount } from '../system/planned-mount.ts';
import { sh } from '../system/shell-quote.ts';
import { type Accounts, readGroup } from './accounts.ts';
import { createAsRoot, pilosGroupFor } from './as-root.ts';
import { checkStatusOf, noAccess, ok, problem, type Verdict, warning } from './table.ts';

export interface SpoolContext {
  config: Config;
  accounts: Accounts;
  options: ChildOptions;
  /** Sub directories that PILOS' meetings on this server ask for, validated. */
  subDirs: readonly string[];
  /** Where something was delivered to, of all spools. */
  destinations: readonly string[];
}

export type LocalSpool = Awaited<ReturnType<typeof readLocalSpool>>;
/** A spool whose directory is there. */
export type FoundSpool = LocalSpool & { found: NonNullable<LocalSpool['found']> };

export async function readLocalSpool(context: SpoolContext, directory: string) {
  const { accounts, options, subDirs, destinations } = context;
  const { requireMount, workDir } = context.config;
  const request = { directory, requireMount, workDir, subDirs: [...subDirs] };
  const { answers, isHung } = await askProbe(request, options);
  const found = answers.get('')?.directory?.found;
  const path = found?.path ?? directory;
  const mountinfo = readText('/proc/self/mountinfo');
  const placeOf = (place: string) => ({
    mount: mountOf(place, mountinfo),
    planned: readPlannedMount(place, isHung),
  });
  return {
    ...{ directory, requireMount, subDirs, destinations, accounts },
    /** By sub directory. The probe did not come to its end where it is hung. */
    ...{ answers, isHung, found },
    /** Of the directory, or of the one above it that is there. */
    mount: mountOf(path, mountinfo),
    planned: readPlannedMount(path, isHung) ?? readPlannedMount(directory, isHung),
    /** A sub directory may be a mount of its own. */
    subDirPlaces: new Map(subDirs.map((subDir) => [subDir, placeOf(`${path}/${subDir}`)])),
    /** Undefined when its id has no name on this server. */
    groupName: found && (await readGroup(found.gid, options))?.name,
    pilosGroup: await readGroup('pilos-spool', options),
  };
}

/** What a file system says whose server is gone. */
const deadErrnos = ['ESTALE', 'ENOTCONN', 'EIO', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH'];
/** These stay until it is mounted again: the directory was replaced there, or the process behind it has ended. */
const lastingErrnos = ['ESTALE', 'ENOTCONN'];

export function decideAnswers({ answers, isHung, mount, planned }: LocalSpool): Verdict {
  const steps = [...answers.values()].flatMap((steps) => Object.values(steps));
  const failure = steps.find((step) => deadErrnos.includes(step.failure?.errno ?? ''))?.failure;
  if (!isHung && failure === undefined) return ok;
  const { point, type, source } = mount;
  const text = `${failure?.message ?? 'it does not answer'}: the file system at ${point} (${type} from ${source}) hangs or is gone`;
  if (point === '/') return problem(EXIT.spool, text, 'look at the disk (dmesg)');
  const again = planned?.point === point ? ` && ${planned.command}` : '';
  const remount = `${sh`umount --force --lazy ${point}`}${again}`;
  const fix = lastingErrnos.includes(failure?.errno ?? '')
    ? remount
    : `bring ${source} and the network to it back: the mount then heals itself; only if they never come back: ${remount}`;
  return problem(EXIT.spool, text, fix);
}

export function decideDirectory(spool: LocalSpool): Verdict {
  const failure = spool.answers.get('')?.directory?.failure;
  if (failure?.errno === 'ENOENT') {
    const text = 'it does not exist: mount it, create it, or correct spool_dir';
    return problem(EXIT.spool, text, createDirectory(spool));
  }
  if (failure !== undefined) return decideFailure(spool, failure);
  if (spool.found?.isDirectory) return ok;
  return problem(EXIT.config, 'it is not a directory', 'correct spool_dir in pilos.yml');
}

export function createDirectory(spool: LocalSpool): string {
  const { directory, mount, planned, requireMount, pilosGroup } = spool;
  const { create: createGroup, group } = pilosGroupFor(mount, pilosGroup);
  const [above, name] = [dirname(directory), basename(directory)];
  const create = `${createGroup}${createAsRoot(mount, above, [name], sh`-m 2775 -g ${group}`)}`;
  const isWanted =
    typeof requireMount === 'string' ? requireMount !== mount.point : requireMount && mount.point === '/';
  if (isWanted && !isPlanned(planned, mount))
    return 'mount it, which require_mount wants, and add it to /etc/fstab; or correct require_mount';
  return createUnlessMounted(spool, directory, planned, create);
}

/** Of the same owner and group as the spool. */
export function createSubDirectory(spool: FoundSpool, subDir: string): string {
  const { directory, mount, subDirPlaces, found } = spool;
  const create = createAsRoot(mount, found.path, [subDir], `-m 2775 -o ${found.uid} -g ${found.gid}`);
  return createUnlessMounted(spool, `${directory}/${subDir}`, subDirPlaces.get(subDir)?.planned, create);
}

/** Where a mount belongs, a directory would take the recordings onto the disk of this server. */
function createUnlessMounted(
  { mount, destinations }: LocalSpool,
  directory: string,
  planned: PlannedMount | undefined,
  create: string,
): string {
  if (isPlanned(planned, mount)) return planned.command;
  if (!destinations.some((one) => one === directory || one.startsWith(`${directory}/`))) return create;
  return `recordings were delivered there before: mount what was there; only if nothing ever was: ${create}`;
}

function isPlanned(planned: PlannedMount | undefined, { point }: Mount): planned is PlannedMount {
  return planned !== undefined && planned.point !== point;
}

/** What is to be mounted there, or above it, and is not. */
export function decidePlanned(planned: PlannedMount | undefined, { point }: Mount): Verdict {
  if (planned === undefined || planned.point.length <= point.length) return ok;
  const text = `${planned.point} is not mounted, though /etc/fstab or a mount unit says so: recordings would fill the disk below it`;
  return problem(EXIT.spool, text, planned.command);
}

export function decideMount({ directory, mount, planned, answers }: FoundSpool): Verdict {
  const { point } = mount;
  const verdict = decidePlanned(planned, mount);
  if (verdict.state !== 'ok') return verdict;
  const failure = answers.get('')?.write?.failure;
  if (failure?.code === 'spool_not_mounted') return problem(EXIT.spool, failure.message, failure.fix);
  if (point !== '/') return ok;
  return warning(
    'nothing is mounted there, so recordings stay on the disk of this server',
    `right only when PILOS runs on this very server; otherwise mount PILOS' spool at ${directory}`,
  );
}

/** What a directory that cannot be used needs. */
export function decideFailure({ mount, accounts }: LocalSpool, failure: ProbeFailure): Verdict {
  const { code, message, fix, errno, closed: path } = failure;
  if (code === 'eacces' && path !== undefined) return noAccess(accounts.ranAs, 'enter', path);
  const isReadOnly = errno === 'EROFS' && mount.point !== '/';
  return problem(checkStatusOf(failure), message, isReadOnly ? sh`mount -o remount,rw ${mount.point}` : fix);
}
