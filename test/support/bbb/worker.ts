/** BBB's publish worker, run by a real `ruby`, in BBB's working directory and with its bare environment. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProgramOptions, runOrThrow } from '../program/run-program.ts';
import type { BbbTree } from './bbb-tree.ts';

export interface WorkerReport {
  /** The post publish scripts in the order in which they ran. */
  scripts: { script: string; exitStatus: number | null; succeeded: boolean }[];
  /** What made BBB's job itself fail, such as a script that a signal ended; null when nothing did. */
  failure: string | null;
  /** Everything the workers of this tree have logged so far, the scripts' output in it. */
  log: string;
}

const workerScript = join(import.meta.dirname, '../../fixtures/worker.rb');

/** Does what BBB does after `format` of the meeting has been published. */
export async function runWorker(
  tree: BbbTree,
  meetingId: string,
  format: string,
  options: ProgramOptions = {},
): Promise<WorkerReport> {
  const logFile = join(tree.logDir, 'bbb-rap-worker.log');
  const result = await runOrThrow('ruby', [workerScript, tree.postPublishDir, logFile, meetingId, format], {
    cwd: tree.scriptsDir,
    ...options,
    env: { ...tree.env, ...options.env },
  });
  const report = JSON.parse(result.stdout) as Omit<WorkerReport, 'log'>;
  return { ...report, log: existsSync(logFile) ? readFileSync(logFile, 'utf8') : '' };
}
