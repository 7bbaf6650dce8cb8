/** How the calls on a BBB server ended, what `deliver` then delivered, and what `status` says of it all. */
import { validateJsonDocument } from '../support/program/json-document.ts';
import type { BbbHost, CallResult } from './bbb-host.ts';
import type { Host } from './host.ts';
import type { ServerPlan } from './plan.ts';

export interface ServerReport {
  plan: ServerPlan;
  calls: number;
  /** At once, by BBB's call. */
  delivered: number;
  failed: number;
  /** For its sub directory. */
  refused: number;
  /** By `deliver`, which the timer runs, before the import has ended. */
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

/** What the timer does; returns how many formats it has delivered. */
export async function deliverMissing({ host }: BbbHost): Promise<number> {
  const { results } = (await readDocument(host, 'deliver')) as Delivered;
  return results.filter(({ state }) => state === 'delivered').length;
}

/** After the import: the timer finds out what PILOS has. */
export async function reportServer(
  server: BbbHost,
  calls: readonly CallResult[],
  resent: number,
): Promise<ServerReport> {
  const { host, plan } = server;
  await deliverMissing(server);
  const status = (await readDocument(host, 'status')) as Status;
  const { recordings } = status;
  const formats = recordings.flatMap((recording) => recording.formats);
  const states: Record<string, number> = {};
  for (const { state } of formats) states[state] = (states[state] ?? 0) + 1;
  const refused = calls.filter((call) => call.status === refusedStatus);
  const failed = calls.filter((call) => call.status !== 0 && call.status !== refusedStatus);
  return {
    ...{ plan, states, resent, calls: calls.length, failed: failed.length, refused: refused.length },
    delivered: calls.filter((call) => call.status === 0).length,
    notDone: recordings.filter((recording) => !recording.sender_done).length,
    failure: failed[0]?.output.trim(),
    refusal: refused[0]?.output.trim(),
    errors: formats.flatMap(({ error }) => (error === undefined ? [] : `${error.message}: ${error.fix}`)),
    longestCall: Math.max(0, ...calls.map(({ seconds }) => seconds)),
  };
}

async function readDocument(host: Host, command: 'deliver' | 'status'): Promise<unknown> {
  const call = [program, command, '--json'];
  const result = await host.run(call);
  validateJsonDocument(call, result);
  return JSON.parse(result.stdout);
}

/** Of what the two commands print, what is used here. */
interface Delivered {
  results: { state: string }[];
}
interface Status {
  recordings: {
    sender_done: boolean;
    formats: { state: string; error?: { message: string; fix: string } }[];
  }[];
}
