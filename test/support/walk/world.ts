/** Who is on a walk, and what the walk knows of each recording. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Meeting } from '../bbb/bbb-meeting.ts';
import type { BbbTree } from '../bbb/bbb-tree.ts';
import type { Pilos } from '../pilos/pilos.ts';
import type { ProgramResult } from '../program/run-program.ts';

const onServer = [
  'publish',
  'publish unknown',
  'call',
  'rebuild',
  'add captions',
  'touch',
  'setip',
  'kill',
  'unpublish',
  'delete',
  'timer',
  'clock jumps',
  'ledger lost',
  'spool away',
  'time passes',
  'prune',
  'again',
] as const;
const inPilos = ['import', 'import meanwhile', 'delete in PILOS', 'learn of the meeting'] as const;
export const steps = [...onServer, ...inPilos];
export type Step = (typeof steps)[number];

export interface WalkRecording {
  meeting: Meeting;
  /** Counts up with each change of content; written in a file of the recording. */
  version: number;
  /** Somebody has withdrawn it on the BBB server. */
  withdrawn: 'no' | 'unpublished' | 'deleted';
  /** PILOS knows its meeting, and would import it. */
  isKnown: boolean;
  /** Somebody deleted this version in PILOS, which nobody can see from here. */
  deletedInPilos?: number;
  /** PILOS had something of it that the ledger, since it was lost or its writer killed, does not know of. */
  isUnknownToLedger: boolean;
  /** The archive that was seen last in the spool. */
  sent?: { version: number; file: string };
  /** What happened since makes sending the same once more right. */
  mayBeSentAgain: boolean;
}

export interface World {
  tree: BbbTree;
  pilos: Pilos;
  recordings: WalkRecording[];
  /** What must not have happened, a sentence each. */
  violations: string[];
  run(args: readonly string[], clock?: Record<string, string>): Promise<ProgramResult>;
}

export const fileOf = ({ meeting }: Pick<WalkRecording, 'meeting'>, name: string) =>
  join(meeting.published('presentation'), name);
export const archiveOf = ({ meeting }: Pick<WalkRecording, 'meeting'>) => `${meeting.id}-presentation.tar`;

/** The version that PILOS has; 0 for none. */
export function heldVersion({ pilos }: World, { meeting }: WalkRecording): number {
  const stored = pilos.format(meeting.id, 'presentation');
  return stored === undefined ? 0 : Number(readFileSync(join(stored.directory, 'version.txt'), 'utf8'));
}
