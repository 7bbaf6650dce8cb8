/** The directory of the spool, the file system that it is on, and what failed there. Pure. */
import { EXIT } from '../errors.ts';
import type { ProbeFailure } from '../spool/local/probe.ts';
import { sh } from '../system/shell-quote.ts';
import type { Facts } from './facts.ts';
import type { FoundSpool, LocalSpool } from './local-spool.ts';
import { checkStatusOf, closed, ok, problem, type Verdict, warning } from './table.ts';

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

export function decideDirectory(spool: LocalSpool, facts: Facts): Verdict {
  const failure = spool.answers.get('')?.directory?.failure;
  if (failure?.errno === 'ENOENT') {
    const text = 'it does not exist: mount it, create it, or correct spool_dir';
    return problem(EXIT.spool, text, createDirectory(spool, facts));
  }
  if (failure !== undefined) return decideFailure(spool, failure, facts);
  if (spool.found?.isDirectory) return ok;
  return problem(EXIT.config, 'it is not a directory', 'correct spool_dir in pilos.yml');
}

/** Where a mount belongs, a directory would take the recordings onto the disk of this server. */
export function createDirectory(spool: LocalSpool, { recordings }: Facts): string {
  const { directory, mount, planned, requireMount, pilosGroup } = spool;
  if (planned !== undefined && planned.point !== mount.point) return planned.command;
  const group = pilosGroup === undefined ? 'groupadd --gid 2000 pilos-spool && ' : '';
  const create = `${group}${sh`install -d -m 2775 -g pilos-spool ${directory}`}`;
  const isWanted =
    typeof requireMount === 'string' ? requireMount !== mount.point : requireMount && mount.point === '/';
  if (isWanted)
    return 'mount it, which require_mount wants, and add it to /etc/fstab; or correct require_mount';
  if (!recordings?.destinations.some((one) => one === directory || one.startsWith(`${directory}/`)))
    return create;
  return `recordings were delivered there before: mount what was there; only if nothing ever was: ${create}`;
}

export function decideMount({ directory, mount: { point }, planned, requireMount }: FoundSpool): Verdict {
  if (planned !== undefined && planned.point.length > point.length) {
    const text = `${planned.point} is not mounted, though /etc/fstab or a mount unit says so: recordings would fill the disk of this server`;
    return problem(EXIT.spool, text, planned.command);
  }
  const isSatisfied =
    requireMount === true ? point !== '/' : requireMount === false || requireMount === point;
  if (!isSatisfied) {
    const wanted = requireMount === true ? 'a mounted file system' : `what is mounted at ${requireMount}`;
    const fix = 'mount it, or correct require_mount in pilos.yml';
    return problem(EXIT.spool, `require_mount wants ${wanted}`, fix);
  }
  if (point !== '/') return ok;
  return warning(
    'nothing is mounted there, so recordings stay on the disk of this server',
    `right only when PILOS runs on this very server; otherwise mount PILOS' spool at ${directory}`,
  );
}

/** What a directory that cannot be used needs. */
export function decideFailure({ mount }: LocalSpool, failure: ProbeFailure, { accounts }: Facts): Verdict {
  const { code, message, fix, errno, closed: path } = failure;
  if (code === 'eacces' && path !== undefined) return closed(accounts.ranAs, 'enter', path);
  const isReadOnly = errno === 'EROFS' && mount.point !== '/';
  return problem(checkStatusOf(failure), message, isReadOnly ? sh`mount -o remount,rw ${mount.point}` : fix);
}
