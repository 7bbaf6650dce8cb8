/**
 * The spool directory is renamed, and another one made under its name: what lies in the former one is gone from the spool,
 * though PILOS has not imported it.
 */
import { readdirSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { createCheckScene, problemsIn, useScene } from '../../support/check/check-scene.ts';
import { hasSenderDone, readLedger } from '../../support/program/traces.ts';

const scene = useScene(() => createCheckScene({ subDirs: ['instance1'] }));
const directory = () => `${scene().tree.spoolDir}/instance1`;
const make = (path: string) => `install -d -m 2775 -g pilos-spool ${path} ${path}/failed`;
const run = (command: string) => scene().run(command.split(' '));
const stateOf = (id: string) => readLedger(scene().tree, id, 'presentation').delivered?.import?.state;
const exchange = () => scene().sh(`mv ${directory()} ${directory()}.former && ${make(directory())}`);
const archives = () => readdirSync(`${scene().spoolDir}/instance1`).filter((name) => name.endsWith('.tar'));
const archiveOf = (id: string) => `${id}-presentation.tar`;
const takeByPilos = (id: string) => scene().sh(`rm ${directory()}/${archiveOf(id)}`);

async function deliver(): Promise<string> {
  const { id } = scene().tree.addMeeting({ subDir: 'instance1' });
  scene().tree.giveTo(scene().bbb);
  expect(await run(`-m ${id}`)).toMatchObject({ status: 0 });
  return id;
}

beforeEach(async () => {
  await scene().sh(`rm -rf ${scene().tree.workDir}/* ${directory()} ${directory()}.former
    ${make(scene().tree.spoolDir)} && ${make(directory())}`);
});

it('is noticed: what lies in the former one does not count as imported, what came later does', async () => {
  const imported = await deliver();
  await takeByPilos(imported);
  expect((await run('deliver')).status).toBe(0);
  const first = await deliver();
  await exchange();
  const warned = await run('deliver');
  expect(warned).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/instance1 is not the one that 1 archive went into.*--confirm-mount/),
  });
  const second = await deliver();
  await takeByPilos(second);
  expect((await run('deliver')).status).toBe(0);
  expect([imported, first, second].map(stateOf)).toEqual(['imported', 'delivered', 'imported']);
  expect([imported, first, second].map((id) => hasSenderDone(scene().tree, id))).toEqual([true, false, true]);
  expect(await run(`status -m ${first}`)).toMatchObject({
    status: 73,
    stdout: expect.stringMatching(/delivered/),
    stderr: expect.stringContaining('whether PILOS has imported it cannot be seen'),
  });
  expect((await run(`prune --older-than 0d`)).stdout).not.toContain(first);
});

it('is a problem for check, whose fix delivers again what nobody has seen imported', async () => {
  const [first, moved] = [await deliver(), await deliver()];
  await exchange();
  const second = await deliver();
  await scene().sh(`mv ${directory()}.former/${archiveOf(moved)} ${directory()}`);
  await takeByPilos(second);
  const { results } = await scene().readReport();
  const { problem, fix = '' } = results.find(({ check }) => check === 'same_directory') ?? {};
  expect(problem).toMatch(/instance1 is not the one that 1 archive went into/);
  const [, command = ''] = /'(pilos-post-publish [^']+)'/.exec(fix) ?? [];
  const { stdout } = await scene().sh(command);
  expect(stdout).toContain(`${directory()} is right from now on`);
  expect(archives()).toEqual(expect.arrayContaining([first, moved].map(archiveOf)));
  expect(archives()).not.toContain(archiveOf(second));
  expect(stateOf(second)).toBe('imported');
  expect(problemsIn(await scene().readReport())).toEqual([]);
  await takeByPilos(first);
  expect((await run('deliver')).stderr).toBe('');
  expect(stateOf(first)).toBe('imported');
});
