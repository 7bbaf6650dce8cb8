/** A BBB server and a PILOS on a random walk, with what must hold whenever nothing is under way. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RecordingStatus } from '../../../hook/status/status.ts';
import type { Meeting } from '../bbb/bbb-meeting.ts';
import { installBbbRecord } from '../bbb/bbb-record.ts';
import { type BbbTree, createBbbTree } from '../bbb/bbb-tree.ts';
import { letDeliveryBe } from '../program/traces.ts';
import { createPilos, type Pilos } from './pilos.ts';

export const steps = [
  ...([
    'publish',
    'publish unknown',
    'call',
    'rebuild',
    'touch',
    'setip',
    'kill',
    'unpublish',
    'delete',
  ] as const),
  ...([
    'timer',
    'import',
    'importer deletes',
    'ledger lost',
    'spool away',
    'time passes',
    'prune',
    'again',
  ] as const),
] as const;
type Step = (typeof steps)[number];

export interface Walk {
  take(step: Step, choice: number): Promise<void>;
  /** Lets everything come to rest; what does not hold then, a sentence each. */
  problems(): Promise<string[]>;
  remove(): void;
}

interface Recording {
  meeting: Meeting;
  /** Counts up with each change of content; written in a file of the recording. */
  version: number;
  isHere: boolean;
  /** Somebody deleted it in PILOS, so that nobody can know. */
  isDeletedInPilos: boolean;
  isKnown: boolean;
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
  const recordings: Recording[] = [];
  const run = (...args: string[]) => tree.run(args, { env: { PATH } });
  const world = { tree, pilos, recordings, run, isLedgerLost: false };
  return {
    take: async (step, choice) =>
      await take(world, step, recordings[choice % Math.max(recordings.length, 1)]),
    problems: async () => await findProblems(world),
    remove: () => tree.remove(),
  };
}

interface World {
  tree: BbbTree;
  pilos: Pilos;
  recordings: Recording[];
  run(...args: string[]): ReturnType<BbbTree['run']>;
  isLedgerLost: boolean;
}

const file = (recording: Recording, name: string) => join(recording.meeting.published('presentation'), name);

async function take(world: World, step: Step, chosen: Recording | undefined): Promise<void> {
  const { tree, run } = world;
  if (step === 'publish' || step === 'publish unknown') return await publish(world, step === 'publish');
  if (step === 'timer') return void (await run('deliver'));
  if (step === 'import') return void (await world.pilos.importOnce());
  if (step === 'prune') return void (await run('prune', '--older-than', '1d'));
  if (step === 'ledger lost') {
    world.isLedgerLost = true;
    return rmSync(join(tree.workDir, 'ledger'), { recursive: true, force: true });
  }
  if (step === 'spool away') {
    renameSync(tree.spoolDir, `${tree.spoolDir}-away`);
    await run('deliver');
    return renameSync(`${tree.spoolDir}-away`, tree.spoolDir);
  }
  if (chosen !== undefined) await takeWith(world, step, chosen);
}

async function publish({ tree, pilos, recordings, run }: World, isKnown: boolean): Promise<void> {
  const meeting = tree.addMeeting();
  const recording = { meeting, version: 0, isHere: true, isDeletedInPilos: false, isKnown };
  recordings.push(recording);
  if (isKnown) await pilos.knows(meeting.externalId);
  change(recording);
  await run('-m', meeting.id, '-f', 'presentation');
}

function change(recording: Recording): void {
  recording.version += 1;
  // As BBB does, which publishes a new directory.
  rmSync(file(recording, 'version.txt'), { force: true });
  writeFileSync(file(recording, 'version.txt'), `${recording.version}`);
}

async function takeWith({ tree, pilos, run }: World, step: Step, recording: Recording): Promise<void> {
  const { meeting, isHere } = recording;
  if (step === 'importer deletes') {
    if (pilos.format(meeting.id, 'presentation') === undefined) return;
    recording.isDeletedInPilos = true;
    return await pilos.deleteRecording(meeting.id);
  }
  if (step === 'time passes') return letTimePass(tree, meeting.id);
  if (!isHere || !existsSync(meeting.published('presentation'))) return;
  const call = ['-m', meeting.id, '-f', 'presentation'];
  if (step === 'rebuild') change(recording);
  if (step === 'touch') utimesSync(file(recording, 'metadata.xml'), new Date(), new Date());
  if (step === 'setip') setIp(recording);
  if (step === 'unpublish' || step === 'delete') return withdraw(tree, recording, step);
  if (step === 'kill') return await kill(tree, call);
  if (step === 'again') await run(...call, '--again');
  else await run(...call);
}

function letTimePass(tree: BbbTree, id: string): void {
  try {
    letDeliveryBe(tree, id, 'presentation', { days: 2 });
  } catch {
    // It was never delivered.
  }
}

function setIp(recording: Recording): void {
  const metadata = file(recording, 'metadata.xml');
  const text = readFileSync(metadata, 'utf8').replaceAll(
    /https:\/\/[^/<]+/g,
    `https://bbb${Date.now()}.example.org`,
  );
  writeFileSync(`${metadata}.new`, text);
  renameSync(`${metadata}.new`, metadata);
}

function withdraw(tree: BbbTree, recording: Recording, step: 'unpublish' | 'delete'): void {
  const directory = join(
    tree.publishedDir,
    '..',
    step === 'delete' ? 'deleted' : 'unpublished',
    'presentation',
  );
  mkdirSync(directory, { recursive: true });
  renameSync(recording.meeting.published('presentation'), join(directory, recording.meeting.id));
  recording.isHere = false;
}

async function kill(tree: BbbTree, call: string[]): Promise<void> {
  const running = tree.start(call);
  setTimeout(() => running.child.kill('SIGKILL'), Math.random() * 200);
  await running.result;
}

async function findProblems(world: World): Promise<string[]> {
  const { tree, pilos, run } = world;
  for (let round = 0; round < 3; round += 1) {
    await run('deliver');
    await pilos.importOnce();
  }
  await run('deliver');
  const { stdout } = await run('status', '--json');
  const { recordings: known } = JSON.parse(stdout) as { recordings: RecordingStatus[] };
  const names = readdirSync(tree.spoolDir).filter((name) => name !== 'failed' && !name.endsWith('.tar'));
  return [
    ...names.map((name) => `left over in the spool: ${name}`),
    ...world.recordings.flatMap((recording) => problemsOf(world, recording, known)),
  ];
}

function problemsOf(
  { pilos, isLedgerLost }: World,
  recording: Recording,
  known: RecordingStatus[],
): string[] {
  const { meeting, version, isDeletedInPilos } = recording;
  const stored = pilos.format(meeting.id, 'presentation');
  const held = stored === undefined ? 0 : Number(readFileSync(join(stored.directory, 'version.txt'), 'utf8'));
  const isHere = existsSync(meeting.published('presentation'));
  const status = known.find((one) => one.meeting_id === meeting.id);
  const state = status?.formats[0]?.state;
  if (!isHere) {
    const isPruned = recording.isHere;
    const isLost = isPruned && held !== version && !isDeletedInPilos;
    return isLost ? [`${meeting.id} was pruned in version ${version}, PILOS has ${held}`] : [];
  }
  const hasCurrent = held === version || isDeletedInPilos || (isLedgerLost && held > 0);
  const problems: string[] = [];
  if (['imported', 'taken'].includes(state ?? '') && !hasCurrent)
    problems.push(`${meeting.id} is ${state} in version ${version}, PILOS has ${held}`);
  if (status?.sender_done === true && state !== 'adopted' && !hasCurrent)
    problems.push(`${meeting.id} has a -sender.done, PILOS has version ${held} of ${version}`);
  if (state === undefined) problems.push(`${meeting.id} is not in status`);
  return problems;
}
