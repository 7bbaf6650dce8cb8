/** BBB's own tool for a recording's files, `bbb-record --delete`, and what it leaves behind. */
import { existsSync, rmSync } from 'node:fs';
import { EXIT, ExpectedError } from '../errors.ts';
import { type ChildResult, runChild } from '../system/child-process.ts';
import { withErrnoTranslated } from '../system/errno.ts';
import { readAccount } from '../system/user.ts';
import type { BbbDirectories, PublishedFormat } from './bbb.ts';
import type { RecordId } from './ids.ts';

/**
 * Deletes recordings with everything that BBB has of them.
 *
 * `bbb-record` reads `published_dir` from `bigbluebutton.yml` alone, not from `recording.yml`, and deletes no format
 * that has no script in `process/`: what it leaves of `published`, we delete.
 *
 * @param published all published formats of these recordings
 * @throws ExpectedError (69, 74) with the words of `bbb-record`
 */
export async function deleteRecordings(
  bbb: BbbDirectories,
  published: readonly PublishedFormat[],
  signal: AbortSignal,
): Promise<void> {
  for (const recordId of new Set(published.map((one) => one.recordId))) {
    const formats = published.filter((one) => one.recordId === recordId);
    await runDelete(recordId, signal);
    const left = formats.filter(({ directory }) => existsSync(directory));
    const unfinished = left.find((one) => hasStatus(bbb, one));
    if (unfinished !== undefined) {
      throw new ExpectedError(
        `'bbb-record --delete ${recordId}' ended with 0 and left ${unfinished.directory}`,
        {
          code: 'bbb_record_incomplete',
          exitStatus: EXIT.io,
          fix: `run it by hand: sudo -u bigbluebutton bbb-record --delete ${recordId}`,
        },
      );
    }
    for (const { directory } of left)
      withErrnoTranslated(`cannot delete ${directory}`, () => rmSync(directory, { recursive: true }));
  }
}

/** `bbb-record` deletes the status files first: while they are there, it has not done its work. */
function hasStatus({ recordingDir }: BbbDirectories, { recordId, format }: PublishedFormat): boolean {
  return existsSync(`${recordingDir}/status/published/${recordId}-${format}.done`);
}

async function runDelete(recordId: RecordId, signal: AbortSignal): Promise<void> {
  const environment = bbbEnvironment(process.env);
  const result = await runChild(['bbb-record', '--delete', recordId], { signal, environment });
  if (result.spawnError !== undefined) {
    throw new ExpectedError(`bbb-record cannot be run (${result.spawnError})`, {
      code: 'bbb_record_missing',
      exitStatus: EXIT.unavailable,
      fix: `is it on the PATH (${environment['PATH']})? It comes with the package bbb-record-core`,
    });
  }
  if (result.exitStatus === 0) return;
  const ending = result.exitStatus ?? result.signal;
  throw new ExpectedError(`'bbb-record --delete ${recordId}' ended with ${ending}: ${lastWords(result)}`, {
    code: 'bbb_record_failed',
    exitStatus: EXIT.io,
    fix: `run it by hand: sudo -u bigbluebutton bbb-record --delete ${recordId}`,
  });
}

/** Its reason stands at the end of what it said, on either stream. */
function lastWords({ stdout, stderr }: ChildResult): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? 'it said nothing' : lines.slice(-3).join(' / ').slice(-500);
}

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `bbb-record` asks for `$USER`, which containers and units do not set, and does nothing for a user it does not expect. */
function bbbEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const account = readAccount(process.getuid?.() ?? 0);
  const user = account === undefined ? {} : { USER: account.name, LOGNAME: account.name, HOME: account.home };
  return { ...own, ...user, PATH: own['PATH'] || usualPath };
}
