/** A spool that is a directory of this server: does it answer, is it mounted, and can be written what PILOS reads? */
import type { Answers } from '../spool/local/probe.ts';
import { sh } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import { asRoot } from './as-root.ts';
import type { FoundSpool, LocalSpool } from './local-spool-facts.ts';
import {
  createSubDirectory,
  decideAnswers,
  decideDirectory,
  decideFailure,
  decideMount,
  decidePlanned,
} from './spool-place.ts';
import {
  decideGroup,
  decideMode,
  decideUserGroup,
  decideWorkerGroup,
  describeGroup,
} from './spool-rights.ts';
import { decideFreeSpace, ok, problem, type Rows, row, skipped, type Verdict, warning } from './table.ts';

const mounted = ['spool_answers', 'spool_mount'];
const grouped = [...mounted, 'spool_group'];
const usable = [...grouped, 'spool_mode', 'spool_space', 'user_group'];

export function localSpoolChecks(spool: LocalSpool): Rows {
  const { directory, found } = spool;
  return [
    row('spool_answers', `${directory} answers`, decideAnswers(spool)),
    row('spool_directory', `spool directory: ${directory}`, decideDirectory(spool), ['spool_answers']),
    ...(found?.isDirectory ? foundSpoolChecks({ ...spool, found }) : []),
  ];
}

/** Of a directory that is there; what is not, or hangs, is said by the first two checks. */
function foundSpoolChecks(spool: FoundSpool): Rows {
  const { account, user, ranAs } = spool.accounts;
  const { path, mode } = spool.found;
  const { point, type, source } = spool.mount;
  const { space, write } = spool.answers.get('') ?? {};
  const mount = `file system: ${point} (${type} from ${source})`;
  const group = describeGroup(spool);
  const inGroup = [...grouped, 'user_group'];
  const needed = `is in group ${group}, if it has to be`;
  const free = space?.found ? formatBytes(space.found.bytes) : 'unknown';
  const written = `a file of ${ranAs} in ${path}${describeAccess(write?.found, spool)}`;
  return [
    row('spool_mount', mount, decideMount(spool), ['spool_answers']),
    row('spool_group', `group of ${path}: ${group}`, decideGroup(spool), mounted),
    row('spool_mode', `mode of ${path}: ${toOctal(mode)}`, decideMode(spool.found, spool.mount), grouped),
    row('spool_space', `free space: ${free}`, decideSpace(space), mounted),
    account && row('user_group', `${user} ${needed}`, decideUserGroup(spool), grouped),
    account && row('worker_group', `BBB's worker ${needed}`, decideWorkerGroup(spool), inGroup),
    row('spool_write', written, decideWrite(spool, write), usable),
    ...spool.subDirs.map((subDir) => {
      const title = `sub directory that PILOS asks for: ${path}/${subDir}`;
      return row('sub_directory', title, decideSubDirectory(spool, subDir), [...usable, 'spool_write']);
    }),
  ];
}

function decideSpace({ found: free, failure }: NonNullable<Answers['space']> = {}): Verdict {
  if (failure !== undefined) return problem.of(failure);
  if (free === undefined) return skipped('the file system does not say');
  const fix = 'free some space there; is PILOS importing? See Horizon and failed/';
  return decideFreeSpace(free, 1e8, problem.spool, fix);
}

type Written = NonNullable<Answers['write']>;

function describeAccess(written: Written['found'], { pilosGroup }: LocalSpool): string {
  if (written === undefined) return '';
  const { mode, gid } = written;
  return ` had mode ${toOctal(mode)} and group ${gid === pilosGroup?.gid ? 'pilos-spool' : gid}`;
}

/** File systems with options such as `file_mode` or `anongid` decide themselves what a file gets. */
function decideWrite(spool: FoundSpool, { found: written, failure }: Written = {}): Verdict {
  if (failure !== undefined) return decideFailure(spool, failure);
  if (written === undefined) return skipped('the probe ended before');
  const options = 'correct the options of its mount (file_mode, umask), or the default ACL';
  if ((written.mode & 0o044) === 0) return problem.rights('PILOS cannot read it', options);
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
    return problem.spool(text, createSubDirectory(spool, subDir));
  }
  if (failure !== undefined) return decideFailure(spool, failure);
  if (there === undefined) return skipped('the probe ended before');
  if (!there.isDirectory) return problem.spool('it is not a directory', `remove or rename ${path}`);
  const mounted = decidePlanned(spool.subDirPlaces.get(subDir));
  if (mounted.state !== 'ok') return mounted;
  if (there.gid !== gid && (there.mode & 0o007) !== 0o007) {
    const text = `its group (id ${there.gid}) is not that of ${spool.found.path}, so PILOS cannot delete what it has imported`;
    const change = (places: readonly string[]) => sh`chgrp ${gid} ${places} && chmod g+rwxs ${places}`;
    return problem.rights(text, asRoot(spool.mount, [path], change));
  }
  const mode = decideMode({ path, mode: there.mode }, spool.mount);
  return mode.state === 'ok' && write?.failure ? decideFailure(spool, write.failure) : mode;
}

function toOctal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
