/**
 * A BBB server and a PILOS on a random walk. START READING HERE: the steps. What must hold after each of them is in
 * `sends.ts`, what must hold at rest in `rest.ts`.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Meeting } from '../bbb/bbb-meeting.ts';
import { installBbbRecord } from '../bbb/bbb-record.ts';
import { type BbbTree, createBbbTree } from '../bbb/bbb-tree.ts';
import { createPilos } from '../pilos/pilos.ts';
import { fakeClock } from '../program/fake-clock.ts';
import { letDeliveryBe } from '../program/traces.ts';
import { findProblemsAtRest } from './rest.ts';
import { noteSends } from './sends.ts';
import { archiveOf, fileOf, heldVersion, type Step, type WalkRecording, type World } from './world.ts';

export interface Walk {
  take(step: Step, choice: number): Promise<void>;
  /** Lets everything come to rest; what does not hold then, or did not on the way, a sentence each. */
  problems(): Promise<string[]>;
  remove(): void;
}

export async function startWalk(): Promise<Walk> {
  const tree = createBbbTree({ pilos: { max_unattended: 1000 } });
  const { PATH } = installBbbRecord(tree);
  mkdirSync(join(tree.spoolDir, 'failed'));
  const pilos = await createPilos({
    spool: tree.spoolDir,
    store: join(tree.root, 'store'),
    meetings: ['nobody'],
  });
  const run: World['run'] = (args, clock = {}) => tree.run(args, { env: { PATH, ...clock } });
  const world: World = { tree, pilos, recordings: [], violations: [], run };
  return {
    take: async (step, choice) => {
      const chosen = world.recordings[choice % Math.max(world.recordings.length, 1)];
      await take(world, step, choice, chosen);
      noteSends(world, step, chosen);
    },
    problems: async () => [...(await findProblemsAtRest(world)), ...world.violations],
    remove: () => tree.remove(),
  };
}

async function take(world: World, step: Step, choice: number, chosen?: WalkRecording): Promise<void> {
  const { run, pilos } = world;
  if (step === 'publish' || step === 'publish unknown') return await publish(world, step === 'publish');
  if (step === 'timer') return void (await run(['deliver']));
  if (step === 'clock jumps') return await runAtOtherTime(world, choice);
  if (step === 'import') return void (await pilos.importOnce());
  if (step === 'prune') return void (await run(['prune', '--older-than', '1d']));
  if (step === 'ledger lost') return loseLedger(world);
  if (step === 'spool away') return await takeSpoolAway(world);
  if (chosen !== undefined) await takeWith(world, step, chosen);
}

async function publish({ tree, pilos, recordings, run }: World, isKnown: boolean): Promise<void> {
  const meeting = tree.addMeeting();
  const recording: WalkRecording = {
    ...{ meeting, version: 0, withdrawn: 'no', isKnown, isUnknownToLedger: false, mayBeSentAgain: false },
  };
  recordings.push(recording);
  if (isKnown) await pilos.knows(meeting.externalId);
  change(recording);
  await run(['-m', meeting.id, '-f', 'presentation']);
}

function change(recording: WalkRecording): void {
  recording.version += 1;
  // As BBB does, which publishes a new directory.
  rmSync(fileOf(recording, 'version.txt'), { force: true });
  writeFileSync(fileOf(recording, 'version.txt'), `${recording.version}`);
}

const days = ['-400d', '-1d', '+1d', '+400d'];

async function runAtOtherTime({ run }: World, choice: number): Promise<void> {
  const args = choice % 2 === 0 ? ['deliver'] : ['prune', '--older-than', '1d'];
  await run(args, fakeClock(days[choice % days.length] ?? '+1d'));
}

function loseLedger(world: World): void {
  const { spoolDir, workDir } = world.tree;
  const refused = world.pilos.refused();
  rmSync(join(workDir, 'ledger'), { recursive: true, force: true });
  for (const recording of world.recordings) {
    recording.mayBeSentAgain = true;
    const name = archiveOf(recording);
    const isInSpool = existsSync(join(spoolDir, name)) || refused.includes(name);
    if (isInSpool || heldVersion(world, recording) > 0) recording.isUnknownToLedger = true;
  }
}

async function takeSpoolAway({ tree, run }: World): Promise<void> {
  renameSync(tree.spoolDir, `${tree.spoolDir}-away`);
  await run(['deliver']);
  renameSync(`${tree.spoolDir}-away`, tree.spoolDir);
}

async function takeWith(world: World, step: Step, recording: WalkRecording): Promise<void> {
  const { tree, pilos, run } = world;
  const { meeting } = recording;
  if (step === 'delete in PILOS') return await deleteInPilos(world, recording);
  if (step === 'learn of the meeting') {
    recording.isKnown = true;
    return await pilos.knows(meeting.externalId);
  }
  if (step === 'time passes') return letTimePass(tree, meeting.id);
  if (!existsSync(meeting.published('presentation'))) return;
  const call = ['-m', meeting.id, '-f', 'presentation'];
  if (step === 'rebuild' || step === 'add captions') change(recording);
  if (step === 'add captions') return;
  if (step === 'rebuild') rewriteDone(tree, meeting);
  if (step === 'touch') utimesSync(fileOf(recording, 'metadata.xml'), new Date(), new Date());
  if (step === 'setip') setIp(recording);
  if (step === 'unpublish' || step === 'delete') return withdraw(tree, recording, step);
  if (step === 'kill') return await kill(tree, call);
  if (step === 'import meanwhile') return void (await Promise.all([run(call), pilos.importOnce()]));
  if (step !== 'again') return void (await run(call));
  // As the message says.
  await deleteInPilos(world, recording);
  await run([...call, '--again']);
}

async function deleteInPilos(world: World, recording: WalkRecording): Promise<void> {
  const held = heldVersion(world, recording);
  if (held === 0) return;
  recording.deletedInPilos = held;
  await world.pilos.deleteRecording(recording.meeting.id);
}

function letTimePass(tree: BbbTree, id: string): void {
  try {
    letDeliveryBe(tree, id, 'presentation', { days: 2 });
  } catch {
    // It was never delivered.
  }
}

function rewriteDone({ recordingDir }: BbbTree, { id }: Meeting): void {
  writeFileSync(join(recordingDir, 'status/published', `${id}-presentation.done`), `Published ${id}\n`);
}

function setIp(recording: WalkRecording): void {
  const metadata = fileOf(recording, 'metadata.xml');
  const text = readFileSync(metadata, 'utf8').replaceAll(
    /https:\/\/[^/<]+/g,
    `https://bbb${Date.now()}.example.org`,
  );
  writeFileSync(`${metadata}.new`, text);
  renameSync(`${metadata}.new`, metadata);
}

function withdraw(tree: BbbTree, recording: WalkRecording, step: 'unpublish' | 'delete'): void {
  recording.withdrawn = step === 'delete' ? 'deleted' : 'unpublished';
  const directory = join(tree.publishedDir, '..', recording.withdrawn, 'presentation');
  mkdirSync(directory, { recursive: true });
  renameSync(recording.meeting.published('presentation'), join(directory, recording.meeting.id));
}

async function kill(tree: BbbTree, call: string[]): Promise<void> {
  const running = tree.start(call);
  setTimeout(() => running.child.kill('SIGKILL'), Math.random() * 200);
  await running.result;
}
