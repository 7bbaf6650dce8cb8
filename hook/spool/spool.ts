/** What a spool is: where archives go, whichever way. */
import type { ExpectedError } from '../errors.ts';

/** What was left because an earlier archive of the same run has failed, for a reason that holds for this one, too. */
export class NotTried extends Error {
  readonly reason: ExpectedError;

  constructor(reason: ExpectedError) {
    super(`not tried: ${reason.message}`);
    this.reason = reason;
  }
}

/** One archive on its way into the spool. */
export interface Parcel {
  /** `<record id>-<format>.tar` */
  name: string;
  /** Bytes, exactly. */
  size: number;
  /** Validated sub directory of the spool, `''` for none. */
  subDir: string;
  /** Writes the whole archive to an open, empty file; `path` is for messages, `onProgress` is called for each piece. */
  write(target: number, path: string, onProgress?: () => void): Promise<void>;
  /** Aborted by a signal: clean up and throw. */
  signal: AbortSignal;
  /** Called with how many bytes have arrived, for transfers that write does not see. */
  onTransferred?: ((bytes: number) => void) | undefined;
  /** Called with how many milliseconds went to other archives that are on their way at the same time. */
  onWaited?: ((milliseconds: number) => void) | undefined;
  /** Called with what is worth knowing but no failure. */
  warn(message: string): void;
  /** Called with the commands that are run. */
  debug(message: string): void;
  /** For the line that says that the spool does not answer, which nothing else of this process may be able to write. */
  logFile?: string | undefined;
}

/** Where in a spool PILOS may have an archive that it has not taken, or could not import. */
export const archiveFolders = ['', 'failed/', 'failed/public/', 'public/'] as const;

/** What of the archives that {@link Spool.readArchives} was asked about lies where. */
export interface ArchivesSeen {
  /** PILOS has not taken these yet: they lie in the directory itself, or in `public/`. */
  waiting: ReadonlySet<string>;
  /** PILOS could not import these: they lie in `failed/`. */
  refused: ReadonlySet<string>;
  /**
   * Only with `visible` and `missing` does `refused` say everything. PILOS makes `failed/` with mode 0700, `hidden`
   * from anybody else. A symbolic link seen over rsync counts as `not_a_directory`.
   */
  failedDirectory: 'visible' | 'hidden' | 'missing' | 'not_a_directory';
  /**
   * The directory was exchanged: what was delivered before this moment (ISO 8601, UTC) went into another one of the same
   * name. That it is not here says nothing. Absent when it is the same as ever, or nobody knows.
   */
  since?: string;
}

/**
 * What of a name in `failed/` is no longer of interest: an archive of the same name, whose time is this one (milliseconds
 * since 1970) or an earlier one. PILOS moves archives and does not change their time.
 */
export type EarlierRefusals = ReadonlyMap<string, number>;

/** Who hears of what a spool does, and can end it. */
export type SpoolWatcher = Pick<Parcel, 'signal' | 'warn' | 'debug'>;

export interface Spool {
  /** Where archives go, for messages and the ledger: the directory, or the rsync destination. */
  destination(subDir: string): string;
  /** The host or mount behind it: a failure whose scope is `spool` concerns all that has the same. */
  location(subDir: string): string;
  /** How many archives may be on their way there at once: where it is more than one, the spool sees to their order. */
  lanes(subDir: string): number;
  /**
   * Puts the archive into the spool under its name, whole or not at all; throws ExpectedError otherwise, or NotTried
   * when several are on their way.
   */
  deliver(parcel: Parcel): Promise<void>;
  /**
   * What {@link deliver} would do, a line each, for `--dry-run`. Makes no connection. Throws ExpectedError when it is seen
   * that a delivery would fail.
   */
  describeDelivery(parcel: Pick<Parcel, 'name' | 'size' | 'subDir' | 'signal'>): Promise<string[]>;
  /**
   * Removes what cut transfers of these archives have left there. Throws ExpectedError when it cannot, with the code
   * `renaming_refused` when the other side never lets us.
   */
  removeCut(subDir: string, names: readonly string[], watcher: SpoolWatcher): Promise<void>;
  /**
   * Names of the archives that PILOS has not taken yet; undefined when the other side does not let us list them, as with
   * a key that has `rrsync -wo`. Throws ExpectedError when it cannot be found out.
   */
  readWaiting(subDir: string, watcher: SpoolWatcher): Promise<string[] | undefined>;
  /**
   * Where the archives of these names lie now. Over rsync one connection answers for all of them, also with a key
   * that may only write. Changes nothing. Throws ExpectedError when it cannot be found out.
   */
  readArchives(
    subDir: string,
    names: readonly string[],
    watcher: SpoolWatcher,
    earlier?: EarlierRefusals,
  ): Promise<ArchivesSeen>;
}
