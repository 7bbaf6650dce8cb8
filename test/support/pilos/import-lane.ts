/** One way to a PILOS, with the PILOS at its end: a mounted spool, or rsync with one kind of key. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Meeting } from '../bbb/bbb-meeting.ts';
import { type BbbTree, createBbbTree } from '../bbb/bbb-tree.ts';
import type { ProgramResult } from '../program/run-program.ts';
import { type HostKey, makeSpoolDirectory, type RsyncHost } from '../rsync/rsync-host.ts';
import { createPilos, type Pilos } from './pilos.ts';

export interface ImportLane {
  tree: BbbTree;
  meeting: Meeting;
  /** As PILOS sees it. */
  spool: string;
  pilos: Pilos;
  run(...args: string[]): Promise<ProgramResult>;
  /** What `status` says of the only format. */
  state(): Promise<string | undefined>;
}

export const laneNames = ['mounted', 'rrsync-wo-no-lock', 'rrsync'] as const;
export type LaneName = (typeof laneNames)[number];

export interface LaneOptions {
  /** The meetings that PILOS knows; this one's by default. */
  knows?: 'its meeting' | 'nothing';
  /** As an admin makes it before PILOS does. */
  failed?: 'visible' | 'left to PILOS';
  pilos?: Record<string, unknown>;
}

/** PILOS runs as a user of its own, in the group of the spool. */
export async function createImportLane(
  host: RsyncHost,
  name: LaneName,
  { knows = 'its meeting', failed = 'visible', pilos: settings = {} }: LaneOptions = {},
): Promise<ImportLane> {
  const { pilosUser, bbbUser } = host;
  const isMounted = name === 'mounted';
  const spool = isMounted ? join(pilosUser.home, 'mounted') : host.spool;
  if (isMounted) makeSpoolDirectory(host, spool);
  const address = isMounted ? spool : host.address(name satisfies HostKey);
  const tree = createBbbTree({
    spool: address,
    pilos: { retry: { attempts: 1, max_seconds: 60 }, ...settings },
  });
  const meeting = tree.addMeeting();
  tree.giveTo(bbbUser);
  if (isMounted) chmodSync(spool, 0o2777);
  if (failed === 'visible') makeSpoolDirectory(host, join(spool, 'failed'));
  const store = join(pilosUser.home, 'store');
  mkdirSync(store, { recursive: true });
  const user = { uid: pilosUser.uid, gid: pilosUser.gid };
  const meetings = knows === 'nothing' ? ['another'] : [meeting.externalId];
  const pilos = await createPilos({ spool, store, user, meetings });
  const run = (...args: string[]) => tree.run(args);
  return {
    ...{ tree, meeting, spool, pilos, run },
    state: async () => {
      const { stdout } = await run('status', '--json', '-m', meeting.id);
      const { recordings } = JSON.parse(stdout) as { recordings: { formats: { state: string }[] }[] };
      return recordings[0]?.formats[0]?.state;
    },
  };
}
