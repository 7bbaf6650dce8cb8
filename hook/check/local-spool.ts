/** A spool that is a directory of this server: what is known of it, its file system, and what failed there. */
import type { Config } from '../config/config.ts';
import { EXIT } from '../errors.ts';
import { askProbe, type ProbeFailure } from '../spool/local/probe.ts';
import type { ChildOptions } from '../system/child-process.ts';
import { mountOf } from '../system/mounts.ts';
import { readText } from '../system/paths.ts';
import { readPlannedMount } from '../system/planned-mount.ts';
import { sh } from '../system/shell-quote.ts';
import { type Accounts, readGroup } from './accounts.ts';
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
  return {
    ...{ directory, requireMount, subDirs, destinations, accounts },
    /** By sub directory. The probe did not come to its end where it is hung. */
    ...{ answers, isHung, found },
    /** Of the directory, or of the one above it that is there. */
    mount: mountOf(path, readText('/proc/self/mountinfo')),
    planned: readPlannedMount(path, isHung) ?? readPlannedMount(directory, isHung),
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

/** Where a mount belongs, a directory would take the recordings onto the disk of this server. */
export function createDirectory(spool: LocalSpool): string {
  const { directory, mount, planned, requireMount, pilosGroup, destinations } = spool;
  if (planned !== undefined && planned.point !== mount.point) return planned.command;
  const group = pilosGroup === undefined ? 'groupadd --gid 2000 pilos-spool && ' : '';
  const create = `${group}${sh`install -d -m 2775 -g pilos-spool ${directory}`}`;
  const isWanted =
    typeof requireMount === 'string' ? requireMount !== mount.point : requireMount && mount.point === '/';
  if (isWanted)
    return 'mount it, which require_mount wants, and add it to /etc/fstab; or correct require_mount';
  if (!destinations.some((one) => one === directory || one.startsWith(`${directory}/`))) return create;
  return `recordings were delivered there before: mount what was there; only if nothing ever was: ${create}`;
}

export function decideMount({ directory, mount: { point }, planned, answers }: FoundSpool): Verdict {
  if (planned !== undefined && planned.point.length > point.length) {
    const text = `${planned.point} is not mounted, though /etc/fstab or a mount unit says so: recordings would fill the disk of this server`;
    return problem(EXIT.spool, text, planned.command);
  }
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
