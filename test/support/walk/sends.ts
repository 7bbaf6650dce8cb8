/** What must hold after each step of a walk: whole archives under `.tar`, and none sent again without a cause. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { archiveOf, type Step, type WalkRecording, type World } from './world.ts';

/** Steps in which somebody asks for one recording. */
const calls: readonly Step[] = ['call', 'rebuild', 'touch', 'setip', 'again', 'kill', 'import meanwhile'];

export function noteSends(world: World, step: Step, chosen: WalkRecording | undefined): void {
  const refused = world.pilos.refused();
  for (const recording of world.recordings) {
    const isCalled = recording === chosen && calls.includes(step);
    // Asked for, what PILOS has refused is sent again.
    const isAskedFor = isCalled && (step === 'again' || refused.includes(archiveOf(recording)));
    noteSend(world, recording, step, isAskedFor);
  }
}

function noteSend(world: World, recording: WalkRecording, step: Step, isAskedFor: boolean): void {
  const path = join(world.tree.spoolDir, archiveOf(recording));
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const file = `${stats.ino}-${stats.mtimeMs}-${stats.ctimeMs}`;
  if (file === recording.sent?.file) return;
  const version = readVersion(path, recording);
  const isSentAgain = version === recording.sent?.version;
  if (version === undefined) world.violations.push(`${path} is no whole archive after '${step}'`);
  else if (isSentAgain && !isAskedFor && !recording.mayBeSentAgain)
    world.violations.push(`${archiveOf(recording)} was sent again in version ${version} by '${step}'`);
  recording.sent = { version: version ?? 0, file };
  // A killed run may not have noted what it had just delivered.
  recording.mayBeSentAgain = step === 'kill';
  if (step === 'kill') recording.isUnknownToLedger = true;
}

/** Undefined when the archive is cut. */
function readVersion(path: string, { meeting }: WalkRecording): number | undefined {
  const member = `presentation/${meeting.id}/version.txt`;
  const { status, stdout } = spawnSync('tar', ['--extract', '--to-stdout', '--file', path, member]);
  return status === 0 ? Number(stdout.toString()) : undefined;
}
