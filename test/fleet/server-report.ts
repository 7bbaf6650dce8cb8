/** How the calls on a BBB server ended, what `deliver` then delivered, and what `status` says of it all. */
import type { BbbHost, CallResult } from './bbb-host.ts';
import type { ServerPlan } from './plan.ts';

export interface ServerReport {
  plan: ServerPlan;
  calls: number;
  /** At once, by BBB's call. */
  delivered: number;
  failed: number;
  /** For its sub directory. */
  refused: number;
  /** By `deliver`, which the timer runs. */
  resent: number;
  /** Of all formats on the server, in `status --json`. */
  states: Record<string, number>;
  /** Recordings without `-sender.done`. */
  notDone: number;
  /** What BBB's log has of the first call that failed, and of the first that was refused. */
  failure: string | undefined;
  refusal: string | undefined;
  /** What `status --json` says of the formats that are not delivered. */
  errors: string[];
  /** In seconds. */
  longestCall: number;
}

const program = '/usr/local/bin/pilos-post-publish';
/** Exit status for a sub directory that is not allowed. */
const refusedStatus = 65;

export async function healAndReport(
  { host, plan }: BbbHost,
  calls: readonly CallResult[],
): Promise<ServerReport> {
  const resent = JSON.parse((await host.run([program, 'deliver', '--json'])).stdout) as Resent;
  const status = JSON.parse((await host.runOrThrow([program, 'status', '--json'])).stdout) as Status;
  const { recordings } = status;
  const formats = recordings.flatMap((recording) => recording.formats);
  const states: Record<string, number> = {};
  for (const { state } of formats) states[state] = (states[state] ?? 0) + 1;
  const refused = calls.filter((call) => call.status === refusedStatus);
  const failed = calls.filter((call) => call.status !== 0 && call.status !== refusedStatus);
  return {
    ...{ plan, states, calls: calls.length, failed: failed.length, refused: refused.length },
    delivered: calls.filter((call) => call.status === 0).length,
    resent: resent.results.filter(({ state }) => state === 'delivered').length,
    notDone: recordings.filter((recording) => !recording.sender_done).length,
    failure: failed[0]?.output.trim(),
    refusal: refused[0]?.output.trim(),
    errors: formats.flatMap(({ error }) => error ?? []),
    longestCall: Math.max(0, ...calls.map(({ seconds }) => seconds)),
  };
}

/** Of what the two commands print, what is used here. */
interface Resent {
  results: { state: string }[];
}
interface Status {
  recordings: { sender_done: boolean; formats: { state: string; error?: string }[] }[];
}
