/** One recording on its way, and what must hold of it whatever breaks: START READING HERE. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BbbTreeOptions } from '../../support/bbb/bbb-configuration.ts';
import type { Meeting, MeetingOptions } from '../../support/bbb/bbb-meeting.ts';
import { type BbbTree, createBbbTree } from '../../support/bbb/bbb-tree.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import type { ProgramResult, RunningProgram } from '../../support/program/run-program.ts';
import { describeRun, type FaultRun, type Program, runOn, startOn } from './program.ts';

export interface SceneOptions {
  tree?: BbbTreeOptions;
  meeting?: MeetingOptions;
  /** Bytes that the recording has at least, of which nothing repeats; 2.5 MB by default. */
  bytes?: number;
  /** Where archives arrive, when that is not the tree's own spool directory. */
  arrivals?: string;
}

/** Finds nothing, or says what was broken. */
export type Problems = string[];

export interface Scene {
  program: Program;
  tree: BbbTree;
  meeting: Meeting;
  /** The directory that PILOS polls. */
  spool: string;
  /** Full path of the archive, there or not. */
  archive: string;
  start(run?: FaultRun): RunningProgram;
  run(run?: FaultRun): Promise<ProgramResult>;
  deliverMissing(run?: FaultRun): Promise<ProgramResult>;
  isSenderDone(): boolean;
  /** What a run that ended by itself must not leave: any name in the spool but the archive's, and work files. */
  leftovers(): string[];
  /** What is wrong right after a run, whatever was done to it. */
  problemsAfter(result: ProgramResult): Problems;
  /**
   * Runs it again with nothing broken, and lets PILOS import. `how` 'deliver' is the timer's way, 'again' that of an
   * admin who has deleted the recording in PILOS.
   */
  recover(how?: 'publish' | 'deliver' | 'again'): Promise<Problems>;
  /** Lets PILOS import what is there: this archive alone, with the published files in it. */
  importArchives(): Promise<Problems>;
  /** The timer's `deliver` after PILOS has imported everything of the meeting. */
  confirm(): Promise<Problems>;
  /** As if nothing had ever been delivered, or only as if `-sender.done` had not been written. */
  forget(what: 'everything' | 'sender.done'): void;
  remove(): void;
}

export const format = 'presentation';

/** Sends also what PILOS has imported. */
export const asksAgain: FaultRun = { args: ['--again'] };

/** Bytes that neither repeat nor compress, the same for the same seed. */
export function noise(seed: string, size: number): Buffer {
  const key = createHash('shake256', { outputLength: 65_536 }).update(seed).digest();
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < size; at += key.length) {
    key.copy(buffer, at);
    buffer.writeUInt32LE(at, at + 8 < size ? at : Math.max(size - 4, 0));
    for (let index = at; index < Math.min(at + key.length, size - 4); index += 512) {
      buffer.writeUInt32LE((index * 2_654_435_761) >>> 0, index);
    }
  }
  return buffer;
}

export function createScene(program: Program, options: SceneOptions = {}): Scene {
  const tree = createBbbTree(options.tree);
  const { bytes = 2_500_000 } = options;
  const half = noise(tree.root, Math.ceil(bytes / 2));
  const meeting = tree.addMeeting({
    ...options.meeting,
    files: { 'video/a.webm': half, 'video/b.webm': Buffer.from(half).reverse(), ...options.meeting?.files },
  });
  return sceneOf(
    program,
    tree,
    meeting,
    options.arrivals ?? join(tree.spoolDir, options.meeting?.subDir ?? ''),
  );
}

export function sceneOf(program: Program, tree: BbbTree, meeting: Meeting, spool: string): Scene {
  const name = `${meeting.id}-${format}.tar`;
  const archive = join(spool, name);
  const args = ['-m', meeting.id, '-f', format];
  const senderDone = join(tree.recordingDir, `status/published/${meeting.id}-sender.done`);
  const isSenderDone = () => existsSync(senderDone);
  const run = (options?: FaultRun) => runOn(tree, program, args, options);
  const deliverMissing = (options?: FaultRun) => runOn(tree, program, ['deliver'], options);

  function leftovers(): string[] {
    const spooled = readdirSync(spool).filter((file) => file !== name && !file.endsWith('.lost+found'));
    const temporary = join(tree.workDir, 'tmp');
    const worked = existsSync(temporary) ? readdirSync(temporary).map((file) => `work_dir/tmp/${file}`) : [];
    return [...spooled.filter((file) => file !== 'lost+found'), ...worked];
  }

  async function importArchives(): Promise<Problems> {
    const store = join(tree.root, 'store');
    mkdirSync(store, { recursive: true });
    try {
      const imported = await importSpool(spool, store);
      const [one] = imported;
      if (one === undefined || imported.length > 1)
        return [`PILOS found ${imported.length} archives instead of 1`];
      if (one.reason !== null) return [`PILOS cannot import it: ${one.reason}`];
      const differences = compareTrees(meeting.published(format), one.formats[0]?.storedIn ?? '');
      return differences.map(({ path, kind }) => `what PILOS unpacked: ${path} ${kind}`);
    } finally {
      rmSync(store, { recursive: true, force: true });
    }
  }

  async function confirm(): Promise<Problems> {
    const confirmed = await deliverMissing();
    return [
      ...(confirmed.status === 0 ? [] : [`deliver after the import: ${describeRun(confirmed)}`]),
      ...(isSenderDone() ? [] : ['no -sender.done after the import']),
    ];
  }

  return {
    ...{
      program,
      tree,
      meeting,
      spool,
      archive,
      run,
      deliverMissing,
      isSenderDone,
      leftovers,
      importArchives,
      confirm,
    },
    start: (options) => startOn(tree, program, args, options),
    problemsAfter(result) {
      const isThere = existsSync(archive);
      return [
        ...(result.status === 70 ? [`it says that it has a bug: ${describeRun(result)}`] : []),
        ...(result.status === 0 && !isThere ? ['exit 0, and the archive is not there'] : []),
        ...(isSenderDone() ? ['-sender.done is there, and PILOS has not imported the archive'] : []),
        ...(isThere && statSync(archive).size % 512 !== 0 ? ['the archive is cut'] : []),
      ];
    },
    async recover(how = 'publish') {
      const again = await (how === 'deliver' ? deliverMissing() : run(how === 'again' ? asksAgain : {}));
      const problems: Problems = [];
      if (again.status !== 0) problems.push(`the run after it: ${describeRun(again)}`);
      for (const file of leftovers()) problems.push(`left over after the run after it: ${file}`);
      if (isSenderDone()) problems.push('-sender.done before PILOS has imported the archive');
      return [...problems, ...(await importArchives()), ...(await confirm())];
    },
    forget(what) {
      rmSync(senderDone, { force: true });
      // So that every run makes the same calls.
      rmSync(join(tree.workDir, 'spools.json'), { force: true });
      if (what === 'sender.done') return;
      for (const file of readdirSync(tree.workDir)) rmSync(join(tree.workDir, file), { recursive: true });
      rmSync(archive, { force: true });
    },
    remove: () => tree.remove(),
  };
}
