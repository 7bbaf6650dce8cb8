/** Two BBB servers deliver 20 recordings at once, while the PILOS server looks into the spool again and again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bbbCall,
  bbbUser,
  installPackage,
  isWhole,
  publish,
  type Recording,
  setUpBbb,
} from './support/bbb.ts';
import type { Machine } from './support/machine.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { importSpool } from './support/pilos.ts';
import {
  listSpool,
  mountSpool,
  prepareSpool,
  spool,
  spoolOnServer,
  squashAll,
  unmountSpool,
  versions,
} from './support/storage.ts';

const { storage, bbb, bbb2, pilos } = useMachines();
const each = 10;
const watcher = readFileSync(join(import.meta.dirname, 'support/watch-spool.py'));

interface Watched {
  rounds: number;
  /** Names of archives that could be read to their end. */
  whole: string[];
  /** What was wrong with the others. */
  damaged: string[];
}

describe.runIf(isFull).each(versions)('20 at once, NFS %s', (version) => {
  beforeAll(async () => {
    await prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll });
    await setUpBbb(bbb2);
    await installPackage(bbb2);
    await mountSpool(bbb2, version);
    await pilos.ask('cat > /opt/watch-spool.py', { input: watcher });
  });
  afterAll(() => unmountSpool(bbb2));

  it('from two servers, and another client never sees a partial .tar', async ({ task }) => {
    const [first, second] = await Promise.all([publishAll(bbb), publishAll(bbb2)]);
    await pilos.ask('rm -f /tmp/enough');
    const watching = pilos.start(`python3 /opt/watch-spool.py ${spool} /tmp/enough`, { seconds: 240 });
    const ended = await Promise.all([deliverAtOnce(bbb, first), deliverAtOnce(bbb2, second)]);
    await pilos.ask('touch /tmp/enough');
    const { stdout, stderr } = await watching.result;
    expect(stderr).toBe('');
    const watched = JSON.parse(stdout) as Watched;
    expect(ended.flat()).toEqual([]);
    expect(watched.damaged).toEqual([]);
    const archives = [...first, ...second].map(({ archive }) => archive).sort();
    expect(watched.whole).toEqual(archives);
    expect((await listSpool(storage)).map((entry) => entry.split(' ')[2]).sort()).toEqual(archives);
    for (const [machine, recordings] of [
      [bbb, first],
      [bbb2, second],
    ] as const)
      for (const recording of recordings)
        expect(await isWhole(machine, recording, storage, `${spoolOnServer}/${recording.archive}`)).toBe(
          true,
        );
    expect((await importSpool(pilos)).filter(({ result }) => result === 'imported')).toHaveLength(2 * each);
    report(task, 'exit 0 each time, every .tar whole whenever it was seen; all imported');
  });
});

async function publishAll(machine: Machine): Promise<Recording[]> {
  const recordings: Recording[] = [];
  while (recordings.length < each) recordings.push(await publish(machine, 3));
  return recordings;
}

/** Exit status and output of each that failed. */
async function deliverAtOnce(machine: Machine, recordings: Recording[]): Promise<string[]> {
  const calls = recordings.map(
    (one) => `{ said=$( ( ${bbbCall(one)} ) 2>&1 ) || echo "exit $?:" $said; } & pids="$pids $!"`,
  );
  const failed = await machine.ask(`${calls.join('\n')}\nwait $pids`, { user: bbbUser, seconds: 240 });
  return failed.split('\n').filter((line) => line !== '');
}
