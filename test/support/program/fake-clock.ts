/** Runs a program at another time of day: Debian's libfaketime, loaded before the C library. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** For the environment of a run. @param offset such as `+400d` or `-1d` */
export function fakeClock(offset: string): Record<string, string> {
  const library = readdirSync('/usr/lib')
    .map((directory) => join('/usr/lib', directory, 'faketime'))
    .flatMap(filesIn)
    .find((file) => file.endsWith('libfaketime.so.1'));
  if (library === undefined) throw new Error("libfaketime is not there: run 'apt-get install faketime'");
  return { LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}
