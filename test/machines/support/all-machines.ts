/** All machines of a site. */
import { describeMachine, type Machine } from './machine.ts';
import type { MachineName, Site } from './site.ts';
import { storageMegabytes } from './storage.ts';

export type Machines = Record<MachineName, Machine>;

/** All cases, not only those that every change must pass: `FAULTS=full`. */
export const isFull = process.env['FAULTS'] === 'full';

export function describeMachines(site: Site): Machines {
  return {
    storage: describeMachine(site, 'storage', storageMegabytes),
    bbb: describeMachine(site, 'bbb'),
    pilos: describeMachine(site, 'pilos'),
    bbb2: describeMachine(site, 'bbb2'),
  };
}
