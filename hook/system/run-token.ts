/**
 * Which run made a temporary file, and is that run still alive? Its name says: `<host>.<boot>.<pid>.<start>.<random>`.
 * So the leftovers of a killed run can be removed, and never those of a run still at work, on this server or on
 * another one that writes to the same spool.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { quietly, readText } from './paths.ts';

const day = 24 * 3600 * 1000;
/** After this long without a write, another server's temporary file counts as abandoned, in milliseconds. */
const foreignPatience = 7 * day;
/**
 * The same for a file of this server by name that another boot or process namespace has made: mostly a run before the
 * last boot, but clones and containers share a machine id and host name, and a run of theirs may still be writing.
 */
const lookalikePatience = day;

const pattern = /^([0-9a-f]{8})\.([0-9a-f]{8})\.(\d+)\.(\d+)\.[0-9a-f]{8}$/;

/** A new token for this run, 60 characters at most. */
export function createRunToken(): string {
  const random = randomBytes(4).toString('hex');
  return [hostId(), bootId(), process.pid, startTime(process.pid) ?? 0, random].join('.');
}

/**
 * True when the run that made `token` cannot be alive any more.
 *
 * @param untouchedFor milliseconds since the file was last written, by the clock of its file system
 */
export function isAbandoned(token: string, untouchedFor: number): boolean {
  const [, host, boot, pid, start] = pattern.exec(token) ?? [];
  if (host === undefined) return false;
  if (host !== hostId()) return untouchedFor > foreignPatience;
  if (boot !== bootId()) return untouchedFor > lookalikePatience;
  return startTime(Number(pid)) !== Number(start);
}

/** Eight letters for this server. Cloned ones often share their machine id, so the host name counts too. */
export function hostId(): string {
  return shortHash(`${readText('/etc/machine-id')}\0${hostname()}`);
}

/** This boot and this process namespace: process ids mean nothing outside of them. */
function bootId(): string {
  // A kernel may be without process namespaces.
  const namespace = quietly(() => readlinkSync('/proc/self/ns/pid')) ?? '';
  return shortHash(`${readText('/proc/sys/kernel/random/boot_id')}\0${namespace}`);
}

/** Start of a process in clock ticks since boot, field 22 of proc_pid_stat(5); undefined when it is gone. */
function startTime(pid: number): number | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  // The command name before it, in parentheses, may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : Number(fields[19]);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
