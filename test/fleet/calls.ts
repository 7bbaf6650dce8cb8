/** BBB's calls on all servers at once, while one of them is cut off for a third of its calls. */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BbbHost, CallResult, FleetRecording } from './bbb-host.ts';
import type { Fleet } from './build-fleet.ts';
import { createTurns, type InTurn } from './turns.ts';

/** Enough for three servers with two workers on two processors. More at once would measure only the processors. */
const callsPerProcessor = 3;

/** In the order of the servers. */
export async function makeCalls(fleet: Fleet): Promise<CallResult[][]> {
  const inTurn = createTurns(callsPerProcessor * availableParallelism());
  return await Promise.all(fleet.servers.map((server) => callAll(fleet, server, inTurn)));
}

async function callAll(fleet: Fleet, server: BbbHost, inTurn: InTurn): Promise<CallResult[]> {
  const jobs = server.recordings.flatMap((recording) =>
    recording.meeting.formats.map((format) => ({ recording, format })),
  );
  const cut = planCut(fleet, server);
  const results: CallResult[] = [];
  let next = 0;
  const work = async () => {
    const worker = server.startWorker();
    for (let index = next++; index < jobs.length; index = next++) {
      const job = jobs[index];
      if (job === undefined) break;
      await cut?.before(index);
      const call = inTurn(() => worker.call(job.recording, job.format));
      await Promise.all([call, cut?.during(index, job.recording, call)]);
      results.push(await call);
    }
    await worker.end();
  };
  await Promise.all(Array.from({ length: server.plan.workers }, work));
  return results;
}

/** Cuts the server off while call `from` is under way, and repairs it before call `to`. */
function planCut({ pilos, cut, repair }: Fleet, server: BbbHost) {
  const { cut: plan } = server.plan;
  if (plan === undefined) return undefined;
  let done: Promise<unknown> = Promise.resolve();
  return {
    before: async (index: number) => {
      if (index !== plan.to) return;
      await done;
      await repair(server);
    },
    during: async (index: number, recording: FleetRecording, call: Promise<CallResult>) => {
      if (index !== plan.from) return;
      const { host, spool } = pilos.find(({ instance }) => instance === recording.owner) ?? {};
      const directory = host?.mounted(`${spool}/${recording.owner}`) ?? '';
      done = whenArriving(directory, recording.meeting.id, call).then(() => cut(server));
      await done;
    },
  };
}

/** Resolves when a part of the recording is in the spool, under a name that PILOS does not look for. */
async function whenArriving(directory: string, meetingId: string, call: Promise<unknown>): Promise<void> {
  let isEnded = false;
  const end = () => {
    isEnded = true;
  };
  call.then(end, end);
  const isArriving = () =>
    readdirSync(directory).some((name) => name.includes(meetingId) && !name.endsWith('.tar'));
  while (!isEnded && !isArriving()) await sleep(2);
}
