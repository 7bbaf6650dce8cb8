/** What a delivery came to, as seen by what lies in the spool afterwards. */
import type { ProgramResult, RunningProgram } from '../../support/program/run-program.ts';
import { bbbCall, bbbUser, callAsBbb, isWhole, type Recording } from './bbb.ts';
import type { Machine } from './machine.ts';
import { listSpool, spoolOnServer } from './storage.ts';

interface Delivery {
  bbb: Machine;
  storage: Machine;
  recording: Recording;
}

/** Has BBB call the program. What came of it, in one line; what the program said goes to the run's output. */
export async function deliver(delivery: Delivery): Promise<string> {
  const result = await callAsBbb(delivery.bbb, delivery.recording);
  process.stdout.write(`exit ${result.status}: ${result.stdout.trim() || result.stderr.trim()}\n`);
  return await describeDelivery(delivery, result.status);
}

/**
 * BBB's call, over a network on which 60 MB take half a minute; returns when a part of the archive is on the server.
 * @param megabits a second
 */
export async function startSlowly(
  { bbb, storage, recording }: Delivery,
  megabits = 16,
): Promise<RunningProgram> {
  await storage.limitNetwork(megabits);
  const call = bbb.start(bbbCall(recording), { user: bbbUser, seconds: 240 });
  const isUnderWay = `find ${spoolOnServer} -type f -size +1M | grep -q .`;
  await storage.ask(
    `n=0; until ${isUnderWay} || [ $n = 500 ]; do sleep 0.1; n=$((n + 1)); done; ${isUnderWay}`,
  );
  return call;
}

/** As {@link deliver}, of a call that has ended. */
export async function describeDelivery(
  { bbb, storage, recording }: Delivery,
  status: ProgramResult['status'],
): Promise<string> {
  const entries = await listSpool(storage);
  const own = entries.filter((entry) => entry.includes(recording.id));
  if (own.length === 0) return `exit ${status}, nothing in the spool`;
  const [entry = ''] = own;
  if (own.length > 1 || !entry.endsWith(` ${recording.archive}`))
    return `exit ${status}, no archive, but ${own.length} other files`;
  const whole = await isWhole(bbb, recording, storage, `${spoolOnServer}/${recording.archive}`);
  return `exit ${status}, archive ${whole ? 'whole' : 'DAMAGED'}, ${entry.split(' ').slice(0, 2).join(' ')}`;
}
