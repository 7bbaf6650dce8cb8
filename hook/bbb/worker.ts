/** BBB's worker, which processes recordings and then calls the post publish scripts. */
import { readProcesses } from '../system/proc.ts';

export const workerUnit = 'bbb-rap-resque-worker.service';

/** One process of BBB's worker. */
export interface Worker {
  pid: number;
  uid: number;
  /** Its group and its supplementary groups, as they were when it was started. */
  groups: number[];
}

/** All processes of BBB's worker that we may see. */
export function readWorkers(): Worker[] {
  return readProcesses().flatMap(({ pid, words, read }) =>
    isWorker(words.join(' '), read('cgroup')) ? (parseWorker(pid, read('status')) ?? []) : [],
  );
}

/**
 * BBB's unit starts `rake -f ../Rakefile resque:workers`, which renames itself to `resque-2.6.0: Waiting for
 * rap:archive,…` (procline in resque's worker.rb).
 */
export function isWorker(command: string, cgroup: string): boolean {
  if (cgroup.includes('/bbb-rap-resque-worker.service')) return true;
  return /^resque-[\d.]+: /.test(command) || /\brake\b.*\bresque:work/.test(command);
}

/** The text of `/proc/PID/status`, see proc_pid_status(5). */
export function parseWorker(pid: number, status: string): Worker | undefined {
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/).filter(Boolean).map(Number);
  // Real, effective, saved and file system ids.
  const uid = field('Uid')?.[1];
  const gid = field('Gid')?.[1];
  if (uid === undefined || gid === undefined) return undefined;
  return { pid, uid, groups: [...new Set([gid, ...(field('Groups') ?? [])])] };
}
