/** Deletes local copies of recordings that PILOS has, with BBB's own `bbb-record --delete`. */
import type { Command } from '@commander-js/extra-typings';
import { readAllPublished } from '../bbb/bbb.ts';
import { openDelivery } from '../delivery/context.ts';
import { type DeletionResult, deleteLocalCopy } from '../delivery/local-copy.ts';
import { EXIT, type ExitStatus } from '../errors.ts';
import { type ConfiguredRun, configureRun, type Run } from '../run.ts';
import { printJson } from '../terminal/lines.ts';
import { parseMoment } from '../terminal/time-span.ts';
import { addRunOptions, type Start } from './options.ts';

interface PruneRequest {
  /** Imported at least so long ago: a span of time or a date. */
  olderThan: string;
  dryRun: boolean;
}

export function addPruneCommand(program: Command, start: Start): void {
  addRunOptions(program.command('prune'))
    .description('delete local copies of recordings that PILOS has imported, with bbb-record --delete')
    .option('--older-than <when>', 'imported before then: 12h, 7d, 2w or 2026-01-31', '14d')
    .option('--dry-run', 'say what would be deleted, and change nothing')
    .action(({ olderThan, dryRun = false }, command) =>
      start(command.optsWithGlobals(), (run) => prune({ olderThan, dryRun }, run)),
    );
}

/** Deletes what PILOS had imported before `olderThan`; returns the exit status. */
async function prune(request: PruneRequest, unconfigured: Run): Promise<ExitStatus> {
  const before = parseMoment('--older-than', request.olderThan, Date.now());
  const run = await configureRun(unconfigured, request);
  const context = await openDelivery(run);
  const results: DeletionResult[] = [];
  for (const meetingId of readAllPublished(run.config).keys()) {
    run.signal.throwIfAborted();
    const result = await deleteLocalCopy(context, meetingId, { before, dryRun: request.dryRun });
    if (result !== undefined) results.push(result);
  }
  return report(run, results);
}

function report(run: ConfiguredRun, results: DeletionResult[]): ExitStatus {
  const status = results.find((result) => result.exit_status !== undefined)?.exit_status ?? EXIT.ok;
  if (run.json) {
    printJson({ results, exit_status: status });
    return status;
  }
  for (const { meeting_id, state, reason, exit_status } of results) {
    if (state === 'planned') run.log.info(`would delete ${meeting_id}`);
    else if (state === 'kept' && exit_status !== undefined) run.log.error(`kept ${meeting_id}: ${reason}`);
    else if (state === 'kept') run.log.debug(`kept ${meeting_id}: ${reason}`);
  }
  const count = (state: DeletionResult['state']) => results.filter((result) => result.state === state).length;
  run.log.info(
    `${count('deleted')} deleted, ${count('planned')} to be deleted, ${count('kept')} kept, ${count('failed')} failed`,
  );
  return status;
}
