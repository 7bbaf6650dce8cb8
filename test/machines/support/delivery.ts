/** What a delivery came to, told by what lies in the spool afterwards. */
import type { ProgramResult } from '../../support/program/run-program.ts';
import { callAsBbb, isWhole, type Recording } from './bbb.ts';
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
