/** A BBB server of the fleet: its recordings, its configuration, and its publish workers. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type BbbPaths, describePaths, writeConfiguration } from '../support/bbb/bbb-configuration.ts';
import { type Meeting, writeMeeting } from '../support/bbb/bbb-meeting.ts';
import type { Undo } from '../support/program/create-with-undo.ts';
import { runOrThrow } from '../support/program/run-program.ts';
import { type Host, startHost } from './host.ts';
import { bbbUser, cloneImage, makeOwned, putFile, scriptsDirectory, toolDirectory } from './image.ts';
import { type LineProcess, startLineProcess } from './line-process.ts';
import type { Instance, RecordingPlan, ServerPlan } from './plan.ts';
import { centralSpool } from './storage.ts';

export interface FleetRecording {
  plan: RecordingPlan;
  meeting: Meeting;
  /** The instance that must get it; undefined when the server must refuse it. */
  owner: Instance | undefined;
}

/** How one of BBB's calls ended. */
export interface CallResult {
  recording: FleetRecording;
  format: string;
  status: number | null;
  output: string;
  seconds: number;
}

export interface BbbHost {
  plan: ServerPlan;
  host: Host;
  recordings: FleetRecording[];
  /** A worker of BBB's; `call` returns when the post publish scripts of that format have run. */
  startWorker(): {
    call(recording: FleetRecording, format: string): Promise<CallResult>;
    end(): Promise<void>;
  };
}

/** @param settings `spool_dir` and what else its `pilos.yml` has */
export async function startBbbHost(
  undo: Undo,
  signal: AbortSignal,
  { plan, image, tree, settings }: { plan: ServerPlan; image: string; tree: string; settings: object },
): Promise<BbbHost> {
  await cloneImage(image, tree);
  const paths = describePaths(tree);
  const { formats, allowed } = plan;
  const pilos = { ...settings, ...(allowed === undefined ? {} : { allowed_sub_dirs: [...allowed] }) };
  writeConfiguration(paths, { formats: [...formats], pilos }, describePaths(''));
  putFile(tree, '/etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
  makeTrap(tree, plan.serves);
  const recordings = writeRecordings(paths, plan);
  const owner = `${bbbUser.uid}:${bbbUser.gid}`;
  await runOrThrow('chown', ['--recursive', owner, paths.varDir, paths.logDir]);
  const host = await startHost(undo, signal, plan.name, tree);
  return { plan, host, recordings, startWorker: () => startWorker(host) };
}

/** What a server wrote while its storage was not mounted: directories that would take recordings, and nobody looks. */
function makeTrap(tree: string, subDirs: readonly string[]): void {
  for (const subDir of subDirs) makeOwned(tree, join(centralSpool, subDir), bbbUser);
}

function writeRecordings(paths: BbbPaths, plan: ServerPlan): FleetRecording[] {
  return plan.recordings.map((one, index) => {
    const meeting = writeMeeting(paths, `${plan.name}/${index}`, {
      name: `${plan.name}: Übung ${index + 1}`,
      subDir: one.instance,
      formats: [...plan.formats],
      files: { [`Übungsblatt ${index + 1}.pdf`]: randomBytes(one.bytes) },
    });
    const isAllowed = plan.allowed === undefined || plan.allowed.includes(one.instance);
    return { plan: one, meeting, owner: isAllowed ? one.instance : undefined };
  });
}

function startWorker(host: Host): ReturnType<BbbHost['startWorker']> {
  let gone: Error | undefined;
  let answer: { resolve: (value: unknown) => void; reject: (error: Error) => void } | undefined;
  const command = ['ruby', `${toolDirectory}/worker.rb`, scriptsDirectory];
  const worker: LineProcess = startLineProcess(host, command, 'bigbluebutton', {
    onLine: (value) => answer?.resolve(value),
    onEnd: (error) => {
      gone = error;
      answer?.reject(error);
    },
  });
  return {
    end: worker.end,
    call: async (recording, format) => {
      if (gone !== undefined) throw gone;
      const answered = new Promise((resolve, reject) => {
        answer = { resolve, reject };
      });
      worker.write(`${recording.meeting.id} ${format}`);
      const { statuses, output, seconds } = (await answered) as WorkerLine;
      return {
        recording,
        format,
        status: statuses.length === 1 ? (statuses[0] ?? null) : null,
        output,
        seconds,
      };
    },
  };
}

/** What worker.rb writes. */
interface WorkerLine {
  statuses: (number | null)[];
  output: string;
  seconds: number;
}
