/** A large migration that is killed again and again: in the end PILOS has each recording. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parseReport } from '../../support/bbb/migration.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { createPilos } from '../../support/pilos/pilos.ts';
import type { ProgramResult, RunningProgram } from '../../support/program/run-program.ts';
import { printFigure, sized } from '../../support/program/test-size.ts';

const createTree = useBbbTrees();
const count = sized(200, 10_000);
const kills = 10;
/** Also for a single run, which a test otherwise ends after two minutes, with SIGKILL as well. */
const timeoutMilliseconds = sized(180_000, 1_800_000);

/** @throws Error when the program ends before: then nothing is left to interrupt */
async function whileItRuns({ result }: RunningProgram, isReached: () => boolean): Promise<void> {
  let ended: ProgramResult | undefined;
  void result.then((value) => {
    ended = value;
  });
  while (!isReached()) {
    if (ended !== undefined) throw new Error(`ended before it was killed: ${JSON.stringify(ended)}`);
    await sleep(5);
  }
}

it(
  'has sent each once when it was killed ten times',
  async () => {
    const tree = createTree({ formats: ['podcast'] });
    const meetings = Array.from({ length: count }, () =>
      tree.addMeeting({ origin: 'Greenlight', formats: ['podcast'], eventsXml: false }),
    );
    const pilos = await createPilos({ spool: tree.spoolDir, store: join(tree.root, 'pilos') });
    const importer = pilos.start(0.2);
    const command = ['migrate', '--origin', 'Greenlight', '--max-waiting', '40'];
    for (let kill = 1; kill <= kills; kill += 1) {
      // So that the last kill, too, comes while there is something to send, and not all of that waits in the spool.
      const wanted = (kill * count) / (kills + 5);
      const running = tree.start(command, { timeoutMilliseconds });
      await whileItRuns(running, () => importer.attempts.length >= wanted);
      running.child.kill('SIGKILL');
      expect((await running.result).signal).toBe('SIGKILL');
    }
    const last = await tree.run([...command, '--json', '--no-wait'], { timeoutMilliseconds });
    const report = parseReport(last);
    expect(report.exit_status).toBe(0);
    expect(report.results).toHaveLength(count);
    while (tree.spoolFiles().some((file) => file.endsWith('.tar'))) await sleep(50);
    await importer.stop();

    expect(importer.attempts.filter(({ result }) => result !== 'imported' && result !== 'gone')).toEqual([]);
    expect(pilos.formats().filter(({ isPlayable }) => isPlayable)).toHaveLength(count);
    expect(pilos.recordingIds().sort()).toEqual(meetings.map(({ id }) => id).sort());
    // Killed between the spool and the ledger, one is sent once more, and PILOS keeps the first.
    const repeated = importer.attempts.length - count;
    expect(repeated).toBeLessThanOrEqual(kills);
    printFigure(`${count} recordings migrated with ${kills} kills: ${repeated} sent once more`);
  },
  timeoutMilliseconds,
);
