/** What a spool is: where archives go, whichever way. */

/** One archive on its way into the spool. */
export interface Parcel {
  /** `<record id>-<format>.tar` */
  name: string;
  /** Bytes, exactly. */
  size: number;
  /** Validated sub directory of the spool, `''` for none. */
  subDir: string;
  /** Writes the whole archive to an open, empty file; `path` is for messages. */
  write(target: number, path: string): Promise<void>;
  /** Aborted by a signal: clean up and throw. */
  signal: AbortSignal;
  /** Told how many bytes have arrived, for transfers that write does not see. */
  onTransferred?: ((bytes: number) => void) | undefined;
  /** Told what is worth knowing but no failure. */
  warn(message: string): void;
  /** Told the commands that are run. */
  debug(message: string): void;
}

export interface Spool {
  /** Where archives go, for messages and the ledger: the directory, or the rsync destination. */
  destination(subDir: string): string;
  /** Puts the archive into the spool under its name, whole or not at all; throws ExpectedError otherwise. */
  deliver(parcel: Parcel): Promise<void>;
  /** What {@link deliver} would do, a line each, for `--dry-run`. Reads nothing over a network. */
  describeDelivery(parcel: Pick<Parcel, 'name' | 'size' | 'subDir'>): string[];
  /**
   * Names of the archives that PILOS has not taken yet; undefined when the other side does not let us look, as with
   * a key that has `rrsync -wo`. Throws ExpectedError when it cannot be found out.
   */
  readWaiting(
    subDir: string,
    watcher: Pick<Parcel, 'signal' | 'warn' | 'debug'>,
  ): Promise<string[] | undefined>;
}
