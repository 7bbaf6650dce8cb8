/**
 * BBB servers, PILOS instances, and a day of theirs: every server publishes its recordings at once, each instance
 * imports, one server is cut off and heals. START READING HERE.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWithUndo } from '../support/program/create-with-undo.ts';
import type { BbbHost } from './bbb-host.ts';
import { buildFleet, type Fleet } from './build-fleet.ts';
import { makeCalls } from './calls.ts';
import { compareImports, type InstanceReport } from './compare-imports.ts';
import { type Importer, type PilosHost, startImporter } from './pilos-host.ts';
import type { FleetOptions } from './plan.ts';
import { deliverMissing, reportServer, type ServerReport } from './server-report.ts';
import { centralSpool } from './storage.ts';

export interface FleetReport {
  options: FleetOptions;
  servers: ServerReport[];
  instances: InstanceReport[];
  /** From the first call to the end of the last, in seconds. */
  seconds: number;
  /** Of `seconds`, those in which the importers were at work, and of how many archives. */
  importing: { seconds: number; archives: number };
  /** Files in the spools at the end, and whatever was written where the storage was not mounted. */
  left: string[];
}

/** Nothing of the fleet is left afterwards, also when `signal` is aborted on the way. */
export async function runFleet(options: FleetOptions, signal: AbortSignal): Promise<FleetReport> {
  const { value: fleet, remove } = await createWithUndo((undo) => buildFleet(options, undo, signal));
  try {
    return await runDay(fleet);
  } finally {
    await remove();
  }
}

async function runDay(fleet: Fleet): Promise<FleetReport> {
  const importers = fleet.pilos.map(startImporter);
  const started = performance.now();
  const calls = await makeCalls(fleet);
  const seconds = (performance.now() - started) / 1000;
  const resent: number[] = [];
  for (const server of fleet.servers) resent.push(await deliverMissing(server));
  await whenImported(fleet.pilos, importers);
  const servers: ServerReport[] = [];
  for (const [index, server] of fleet.servers.entries())
    servers.push(await reportServer(server, calls[index] ?? [], resent[index] ?? 0));
  for (const importer of importers) await importer.end();
  const imports = importers.flatMap((importer) => importer.imports);
  return {
    ...{ options: fleet.options, servers, seconds },
    instances: fleet.pilos.map((pilos, index) =>
      compareImports(fleet.servers, pilos, importers[index]?.imports ?? []),
    ),
    importing: {
      seconds: imports.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
      archives: imports.length,
    },
    left: [...fleet.pilos.flatMap(listSpool), ...fleet.servers.flatMap(listBelowMount)],
  };
}

/** Until no archive is left, or the importers have done nothing for half a minute. */
async function whenImported(pilos: readonly PilosHost[], importers: readonly Importer[]): Promise<void> {
  const isEmpty = () => pilos.flatMap(listSpool).every((name) => !name.endsWith('.tar'));
  const count = () => importers.reduce((sum, { imports }) => sum + imports.length, 0);
  let [seen, since] = [count(), Date.now()];
  while (!isEmpty() && Date.now() - since < 30_000) {
    await sleep(100);
    if (count() > seen) [seen, since] = [count(), Date.now()];
  }
}

/** What lies in the instance's part of the spool: nothing, when all went well. */
function listSpool({ host, spool, instance }: PilosHost): string[] {
  const names = readdirSync(host.mounted(`${spool}/${instance}`));
  return names.map((name) => `${host.name}:${spool}/${instance}/${name}`);
}

/** A server that took its mount point for the storage has written there. */
function listBelowMount({ host, plan }: BbbHost): string[] {
  const trap = plan.serves.map((instance) => `${centralSpool}/${instance}`);
  return trap.flatMap((path) => readdirSync(host.path(path)).map((name) => `${host.name}:${path}/${name}`));
}
