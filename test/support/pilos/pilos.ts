/**
 * A PILOS at the other end of a spool: it imports with PHP's real PharData and SimpleXML, holds recordings, and an
 * admin may delete some. What it does is written in `importer/`. START READING HERE.
 */
import { chownSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from '../program/run-program.ts';
import type { ImportAttempt } from './import-attempt.ts';
import { adminCommand, type ImporterSettings, importerCommand, importerScripts } from './importer-command.ts';
import { startImporter } from './importer-process.ts';
import { listFilesBelow, readFormats, readRecordingIds, type StoredFormat } from './recordings.ts';

export interface PilosOptions {
  /** What PILOS sees as its spool: of an instance with a sub directory, that directory. */
  spool: string;
  /** A directory of PILOS' own, with its recordings and its database in it; it is made. */
  store: string;
  /** Like `www-data` with the spool's group; only root can choose. The caller's own user by default. */
  user?: { uid: number; gid: number };
  /** The ids (`meetingId` of the metadata) of the meetings that it knows; any that there may be by default. */
  meetings?: readonly string[] | 'every meeting';
  /** How long an import is tried that throws. An hour by default, as in PILOS. */
  retrySeconds?: number;
  /** PILOS' image has PHP's default of 128M, newer ones 512M; archives of 2 GiB and more need more than the first. */
  memoryLimit?: string;
}

interface RoundOptions {
  /** Each archive stays in the spool for up to so long, by chance, after it was read. */
  pauseMilliseconds?: number;
  /** Runs once in the round, when an archive was read and is not deleted yet; the import waits for its end. */
  beforeDeleting?: (archive: string) => void | Promise<void>;
}

interface RunningPilos {
  /** Grows as archives are tried. */
  attempts: readonly ImportAttempt[];
  /** Resolves when the round at work has ended. */
  stop(): Promise<void>;
}

export interface Pilos {
  /** One look into the spool: every archive is tried once. In the order in which they ended. */
  importOnce(options?: RoundOptions): Promise<ImportAttempt[]>;
  /** Looks into the spool every so many seconds. */
  start(intervalSeconds: number): RunningPilos;
  /** A meeting of this id was held: recordings of it are welcome from now on. */
  knows(...meetingIds: string[]): Promise<void>;
  /** As an admin does in PILOS. */
  deleteRecording(id: string): Promise<void>;
  /** As if so many seconds had passed since the last round. */
  letTimePass(seconds: number): Promise<void>;
  /** What is in its database, and the files of it. */
  formats(): StoredFormat[];
  format(id: string, format: string): StoredFormat | undefined;
  /** Those without a format too. */
  recordingIds(): string[];
  /** What lies in `failed/`, as `NAME` or `public/NAME`. */
  refused(): string[];
  /** What refused archives have left in `temp/`, as paths below it. */
  temporaryFiles(): string[];
}

type Rounds = Pick<ImporterSettings, 'pauseMilliseconds' | 'intervalSeconds'>;

export async function createPilos(options: PilosOptions): Promise<Pilos> {
  const { spool, store, user, meetings = 'every meeting' } = options;
  // In a place where that user finds them: the project may lie in a directory like root's home.
  cpSync(importerScripts, join(store, 'importer'), { recursive: true });
  mkdirSync(store, { recursive: true });
  if (user !== undefined) chownSync(store, user.uid, user.gid);
  const administer = async (...args: string[]): Promise<void> => {
    const asUser = user === undefined ? {} : { user };
    const [php = '', ...command] = adminCommand(join(store, 'importer'), store, ...args);
    await runOrThrow(php, command, { cwd: store, ...asUser });
  };
  if (meetings.length > 0) await administer('know', ...[meetings].flat());
  return {
    importOnce: (round) => importOnce(options, round),
    start: (intervalSeconds) => startRounds(options, intervalSeconds),
    knows: (...meetingIds) => administer('know', ...meetingIds),
    deleteRecording: (id) => administer('delete', id),
    letTimePass: (seconds) => administer('age', String(seconds)),
    formats: () => readFormats(store),
    format: (id, format) => readFormats(store).find((one) => one.id === id && one.format === format),
    recordingIds: () => readRecordingIds(store),
    refused: () => listFilesBelow(join(spool, 'failed')),
    temporaryFiles: () => listFilesBelow(join(store, 'recordings/temp')),
  };
}

async function importOnce(pilos: PilosOptions, round: RoundOptions = {}): Promise<ImportAttempt[]> {
  const { beforeDeleting, pauseMilliseconds = 0 } = round;
  const hold = join(pilos.store, 'hold');
  const attempts: ImportAttempt[] = [];
  let meanwhile: Promise<void> | undefined;
  const onHold = (archive: string) => {
    meanwhile ??= (async () => beforeDeleting?.(archive))().finally(() => rmSync(hold));
    // Its failure is reported after the importer's end.
    meanwhile.catch(() => {});
  };
  if (beforeDeleting !== undefined) writeFileSync(hold, '');
  const { ended } = startImporter({
    ...{ command: commandOf(pilos, { pauseMilliseconds }), cwd: pilos.store, user: pilos.user },
    ...{ onAttempt: (attempt: ImportAttempt) => attempts.push(attempt), onHold },
  });
  await ended.finally(() => rmSync(hold, { force: true }));
  await meanwhile;
  return attempts;
}

function startRounds(pilos: PilosOptions, intervalSeconds: number): RunningPilos {
  const attempts: ImportAttempt[] = [];
  const importer = startImporter({
    ...{ command: commandOf(pilos, { intervalSeconds }), cwd: pilos.store, user: pilos.user },
    ...{ onAttempt: (attempt: ImportAttempt) => attempts.push(attempt), onHold: () => {} },
  });
  return {
    attempts,
    stop: () => {
      importer.stop();
      return importer.ended;
    },
  };
}

function commandOf({ spool, store, retrySeconds = 3600, memoryLimit = '128M' }: PilosOptions, round: Rounds) {
  const settings = { spool, store, retrySeconds, memoryLimit, ...round };
  return importerCommand(join(store, 'importer'), settings);
}
