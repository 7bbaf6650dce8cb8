/** What the checks of the spool are given. */
import type { Config } from '../config/config.ts';
import type { Account } from '../system/user.ts';
import type { WorkerProcess } from './processes.ts';
import type { RunOptions } from './run.ts';

export interface SpoolContext {
  config: Config;
  account: Account | undefined;
  /** The name of who asks. */
  user: string;
  workers: readonly WorkerProcess[];
  /** Sub directories that PILOS meetings of this server have asked for, validated. */
  subDirs: readonly string[];
  options: RunOptions;
}
