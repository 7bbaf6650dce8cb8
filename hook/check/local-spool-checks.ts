/** A spool that is a directory of this server: does it answer, is it mounted, and can be written what PILOS reads? */
import { EXIT } from '../errors.ts';
import type { Answers } from '../spool/local/probe.ts';
import { sh } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import { asRoot } from './as-root.ts';
import {
  createSubDirectory,
  decideAnswers,
  decideDirectory,
  decideFailure,
  decideMount,
  decidePlanned,
  type FoundSpool,
  type LocalSpool,
} from './local-spool.ts';
import {
  decideGroup,
  decideMode,
  decideUserGroup,
  decideWorkerGroup,
  describeGroup,
} from './spool-rights.ts';
import {
  applicable,
  checkStatusOf,
  decideFreeSpace,
  ok,
  problem,
  type Row,
  rowsOf,
  skipped,
  type Verdict,
  warning,
} from './table.ts';

const row = rowsOf('Spool');

const mounted = ['spool_answers', 'spool_mount'];
const grouped = [...mounted, 'spool_group'];
const usable = [...grouped, 'spool_mode', 'spool_space', 'user_group'];

export function localSpoolChecks(spool: LocalSpool): Row[] {
  const { directory, found } = spool;
  return [
    row('spool_answers', `${directory} answers`, decideAnswers(spool)),
    row('spool_directory', `spool directory: ${directory}`, decideDirectory(spool), ['spool_answers']),
    ...(found?.isDirectory ? foundSpoolChecks({ ...spool, found }) : []),
  ];
}

/** Of a directory that is there; what is not, or hangs, is said by the first two checks. */
function foundSpoolChecks(spool: FoundSpool): Row[] {
  const { accounts } = spool;
  const { path, mode } = spool.found;
  const { point, type, source } = spool.mount;
  const { space, write } = spool.answers.get('') ?? {};
  const group = describeGroup(spool);
  const free = space?.found ? formatBytes(space.found.bytes) : 'not known';
  const isKnown = accounts.account !== undefined;
  const user = `${accounts.user} is in group ${group}, if it has to be`;
  const worker = `BBB's worker is in group ${group}, if it has to be`;
  const written = `a file of ${accounts.ranAs} in ${path}${write?.found ? ` had ${describeAccess(write.found, spool)}` : ''}`;
  const mount = `file system: ${point} (${type} from ${source})`;
  return applicable(
    row('spool_mount', mount, decideMount(spool), ['spool_answers']),
    row('spool_group', `group of ${path}: ${group}`, decideGroup(spool), mounted),
    row('spool_mode', `mode of ${path}: ${toOctal(mode)}`, decideMode(spool.found, spool.mount), grouped),
    row('spool_space', `free space: ${free}`, decideSpace(space), mounted),
    isKnown && row('user_group', user, decideUserGroup(spool), grouped),
    isKnown && row('worker_group', worker, decideWorkerGroup(spool), [...grouped, 'user_group']),
    row('spool_write', written, decideWrite(spool, write), usable),
    ...spool.subDirs.map((subDir) => {
      const title = `sub directory that PILOS asks for: ${path}/${subDir}`;
      return row('sub_directory', title, decideSubDirectory(spool, subDir), [...usable, 'spool_write']);
    }),
  );
}

function decideSpace({ found: free, failure }: NonNullable<Answers['space']> = {}): Verdict {
  if (failure !== undefined) return problem(checkStatusOf(failure), failure.message, failure.fix);
  if (free === undefined) return skipped('the file system does not say');
  const fix = 'free some space there; is PILOS importing? See Horizon and failed/';
  return decideFreeSpace(free, { needed: 1e8, status: EXIT.spool, fix });
}

function describeAccess({ mode, gid }: { mode: number; gid: number }, { pilosGroup }: LocalSpool): string {
  return `mode ${toOctal(mode)} and group ${gid === pilosGroup?.gid ? 'pilos-spool' : gid}`;
}

/** File systems with options such as `file_mode` or `anongid` decide themselves what a file gets. */
function decideWrite(
  spool: FoundSpool,
  { found: written, failure }: NonNullable<Answers['write']> = {},
): Verdict {
  if (failure !== undefined) return decideFailure(spool, failure);
  if (written === undefined) return skipped('the probe ended before');
  if ((written.mode & 0o044) === 0) {
    const fix = 'correct the options of its mount (file_mode, umask), or the default ACL';
    return problem(EXIT.permission, 'PILOS cannot read it', fix);
  }
  const hasSetgid = (spool.found.mode & 0o2000) !== 0;
  if (written.gid === spool.found.gid || !hasSetgid) return ok;
  return warning(
    `its group is not that of the directory, ${describeGroup(spool)}`,
    'check the options of its mount or export (gid, anongid)',
  );
}

/** One that PILOS meetings of this server have asked for. */
function decideSubDirectory(spool: FoundSpool, subDir: string): Verdict {
  const { gid } = spool.found;
  const path = `${spool.found.path}/${subDir}`;
  const { directory, write } = spool.answers.get(subDir) ?? {};
  const { found: there, failure } = directory ?? {};
  if (failure?.errno === 'ENOENT') {
    const text = 'it does not exist, so the recordings of that PILOS are not delivered';
    return problem(EXIT.spool, text, createSubDirectory(spool, subDir));
  }
  if (failure !== undefined) return decideFailure(spool, failure);
  if (there === undefined) return skipped('the probe ended before');
  if (!there.isDirectory) return problem(EXIT.spool, 'it is not a directory', `remove or rename ${path}`);
  const place = spool.subDirPlaces.get(subDir);
  const mounted = place === undefined ? ok : decidePlanned(place.planned, place.mount);
  if (mounted.state !== 'ok') return mounted;
  if (there.gid !== gid && (there.mode & 0o007) !== 0o007) {
    const text = `its group (id ${there.gid}) is not that of ${spool.found.path}, so PILOS cannot delete what it has imported`;
    const change = (places: readonly string[]) => sh`chgrp ${gid} ${places} && chmod g+rwxs ${places}`;
    return problem(EXIT.permission, text, asRoot(spool.mount, [path], change));
  }
  const mode = decideMode({ path, mode: there.mode }, spool.mount);
  return mode.state === 'ok' && write?.failure ? decideFailure(spool, write.failure) : mode;
}

function toOctal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
