/**
 * Which hosts did not answer a moment ago: one small file for each in `<work_dir>/hosts/`. A host that is silent costs
 * a minute for each try; BBB's worker must not pay that for every recording, so its next calls leave it to `deliver`.
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { replaceFile } from '../system/work-dir.ts';

export interface HostFailure {
  /** `Spool.location` */
  location: string;
  /** When it failed, milliseconds since 1970. */
  at: number;
  message: string;
}

export interface HostStates {
  /** The failure of some minutes ago; undefined when there is none, or a later try has succeeded. */
  read(location: string): HostFailure | undefined;
  /** Throws ExpectedError when `work_dir` cannot be written. */
  recordFailure(location: string, message: string): void;
  recordSuccess(location: string): void;
}

/** Milliseconds for which a failure keeps others from trying. */
const patience = 5 * 60_000;

/** Where something about a host is remembered. Any text may be a name there: so it is hashed, and stands in the file. */
export function hostFile(workDir: string, name: string, suffix = ''): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${workDir}/hosts/${hash}${suffix}.json`;
}

export function openHostStates(workDir: string): HostStates {
  const fileOf = (location: string) => hostFile(workDir, location);
  return {
    read: (location) => {
      const failure = readFailure(fileOf(location));
      const age = Date.now() - (failure?.at ?? 0);
      // A time in the future is a clock that was corrected since.
      return failure?.location === location && age >= 0 && age < patience ? failure : undefined;
    },
    recordFailure: (location, message) => {
      const failure: HostFailure = { location, at: Date.now(), message };
      replaceFile(workDir, fileOf(location), `${JSON.stringify(failure)}\n`);
    },
    recordSuccess: (location) => {
      try {
        rmSync(fileOf(location), { force: true });
      } catch {
        // Without a work_dir nothing was remembered, or it is forgotten after some minutes.
      }
    },
  };
}

function readFailure(file: string): HostFailure | undefined {
  try {
    const { location, at, message } = JSON.parse(readFileSync(file).toString()) as Record<string, unknown>;
    if (typeof location !== 'string' || typeof at !== 'number' || typeof message !== 'string')
      return undefined;
    return { location, at, message };
  } catch {
    return undefined;
  }
}
