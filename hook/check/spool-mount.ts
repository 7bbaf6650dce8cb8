/** The directory of the spool, and the file system that it is on. Pure. */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import type { Facts } from './facts.ts';
import { answerOf, type FoundSpool, failureOf, type LocalSpool } from './local-spool.ts';
import { ok, problem, type Verdict, warning } from './result.ts';
import { decideFailure } from './spool-writes.ts';

/** What a file system says whose server is gone. */
const deadErrnos = ['ESTALE', 'ENOTCONN', 'EIO', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH'];
/** These stay until it is mounted again: the directory was replaced there, or the process behind it has ended. */
const lastingErrnos = ['ESTALE', 'ENOTCONN'];

export function decideAnswers({ lines, isHung, mount, planned }: LocalSpool): Verdict {
  const failure = lines.map(failureOf).find((one) => deadErrnos.includes(one?.errno ?? ''));
  if (!isHung && failure === undefined) return ok;
  const { point, type, source } = mount;
  const text = `${failure?.message ?? 'it does not answer'}: the file system at ${point} (${type} from ${source}) hangs or is gone`;
  if (point === '/') return problem(EXIT.spool, text, 'look at the disk (dmesg)');
  const again = planned?.point === point ? ` && ${planned.command}` : '';
  const remount = `umount --force --lazy ${shellQuote([point])}${again}`;
  const fix = lastingErrnos.includes(failure?.errno ?? '')
    ? remount
    : `bring ${source} and the network to it back: the mount then heals itself; only if they never come back: ${remount}`;
  return problem(EXIT.spool, text, fix);
}

export function decideDirectory(spool: LocalSpool, facts: Facts): Verdict {
  const failure = failureOf(answerOf(spool.lines, 'directory'));
  if (failure === undefined) {
    return spool.found?.isDirectory
      ? ok
      : problem(EXIT.config, 'it is not a directory', 'correct spool_dir in pilos.yml');
  }
  if (failure.errno !== 'ENOENT') return decideFailure(spool, failure, facts);
  const fix = createDirectory(spool, facts);
  return problem(EXIT.spool, 'it does not exist: mount it, create it, or correct spool_dir', fix);
}

/** Where a mount belongs, a directory would take the recordings onto the disk of this server. */
export function createDirectory(spool: LocalSpool, { recordings }: Facts): string {
  const { directory, mount, planned, requireMount, pilosGroup } = spool;
  if (planned !== undefined && planned.point !== mount.point) return planned.command;
  const path = shellQuote([directory]);
  const group = pilosGroup === undefined ? 'groupadd --gid 2000 pilos-spool && ' : '';
  const create = `${group}install -d -m 2775 -g pilos-spool ${path}`;
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
    return problem(
      EXIT.spool,
      `require_mount wants ${wanted}`,
      'mount it, or correct require_mount in pilos.yml',
    );
  }
  if (point !== '/') return ok;
  return warning(
    'nothing is mounted there, so recordings stay on the disk of this server',
    `right only when PILOS runs on this very server; otherwise mount PILOS' spool at ${directory}`,
  );
}
