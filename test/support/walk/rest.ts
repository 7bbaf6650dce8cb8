/** What must hold when a walk has come to rest: `status` says what PILOS has, and nothing was lost. */
import { existsSync, readdirSync } from 'node:fs';
import type { FormatStatus, RecordingStatus } from '../../../hook/status/status.ts';
import { letDeliveryBe } from '../program/traces.ts';
import { noteSends } from './sends.ts';
import { archiveOf, heldVersion, type WalkRecording, type World } from './world.ts';

export async function findProblemsAtRest(world: World): Promise<string[]> {
  await comeToRest(world);
  const { stdout } = await world.run(['status', '--json']);
  const { recordings: known } = JSON.parse(stdout) as { recordings: RecordingStatus[] };
  const stray = readdirSync(world.tree.spoolDir).filter((name) => name !== 'failed');
  return [
    ...stray.map((name) => `left in the spool: ${name}`),
    ...world.recordings.flatMap((recording) => {
      const { id } = recording.meeting;
      const status = known.find((one) => one.meeting_id === id);
      const problems = problemsOf(world, recording, status);
      return problems.map((problem) => `${id}, version ${recording.version}: ${problem}`);
    }),
  ];
}

async function comeToRest(world: World): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    for (const { meeting } of world.recordings) letImportsEnd(world, meeting.id);
    await world.run(['deliver']);
    noteSends(world, 'timer', undefined);
    await world.pilos.importOnce();
  }
  await world.run(['deliver']);
}

/** Nothing is under way in PILOS any more. */
function letImportsEnd({ tree }: World, id: string): void {
  try {
    letDeliveryBe(tree, id, 'presentation', { minutes: 10 });
  } catch {
    // It was never delivered.
  }
}

function problemsOf(world: World, recording: WalkRecording, status: RecordingStatus | undefined): string[] {
  const held = heldVersion(world, recording);
  const { version, deletedInPilos, isUnknownToLedger, withdrawn, meeting } = recording;
  const state = status?.formats[0]?.state;
  // Nobody can see what was deleted in PILOS, or what it got without the ledger's knowledge.
  const isCurrent = held === version || deletedInPilos === version || (isUnknownToLedger && held > 0);
  const has = `PILOS has version ${held}, and status says '${state}'`;
  if (existsSync(meeting.published('presentation'))) {
    const isDone = status?.sender_done === true && state !== 'adopted';
    if (isDone && !isCurrent) return [`it is marked as done; ${has}`];
    return isTrue(world, recording, state, held, isCurrent) ? [] : [has];
  }
  if (withdrawn === 'no') return isCurrent ? [] : [`it was pruned; ${has}`];
  return ['imported', 'taken'].includes(state ?? '') && !isCurrent ? [`it is ${withdrawn}; ${has}`] : [];
}

/** Of what is published: is that its state, once PILOS and the timer had their turn? */
function isTrue(
  { pilos }: World,
  recording: WalkRecording,
  state: FormatStatus['state'] | undefined,
  held: number,
  isCurrent: boolean,
): boolean {
  const { version, deletedInPilos, isUnknownToLedger } = recording;
  const wasThere = held > 0 || deletedInPilos !== undefined || isUnknownToLedger;
  if (state === 'imported') return isCurrent;
  if (state === 'outdated' || state === 'adopted')
    return wasThere && (state === 'adopted' || held !== version);
  // Of a refusal in the last day that the ledger does not know of, it cannot say that it is an earlier one.
  const isRefused = held === 0 || isUnknownToLedger;
  return state === 'refused' && isRefused && pilos.refused().includes(archiveOf(recording));
}
