/** Without `require_mount`: the file system of the last delivery is remembered, and no archive lands on another one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCheckScene, problemsIn, useScene } from '../../support/check/check-scene.ts';
import { hasSenderDone, readLedger } from '../../support/program/traces.ts';

const scene = useScene(createCheckScene);
const fstab = () => `spool ${scene().tree.spoolDir} tmpfs size=4g,mode=2775,gid=${scene().pilos.gid} 0 0`;

/** As an admin would: fstab, and what it says. */
async function mount(line = fstab()): Promise<void> {
  const { tree } = scene();
  await scene().sh(`echo '${line}' >/etc/fstab; umount ${tree.spoolDir} 2>/dev/null; mount ${tree.spoolDir}
    install -d -m 2775 -g pilos-spool ${tree.spoolDir}/failed`);
}
async function unmount(): Promise<void> {
  const { spoolDir } = scene().tree;
  // Whoever can write below the mount point would notice nothing.
  await scene().sh(`umount ${spoolDir}; : >/etc/fstab; chmod 2777 ${spoolDir}`);
}
const archives = (directory = scene().spoolDir) =>
  readdirSync(directory).filter((name) => name.endsWith('.tar'));
const run = (command: string) => scene().run(command.split(' '));
const stateOf = (id: string) => readLedger(scene().tree, id, 'presentation').delivered?.import?.state;
const refusal =
  /is not on the file system of the last delivery \(tmpfs from spool\), but on [^:]+: mount what/;

let first = '';
beforeEach(async () => {
  await scene().sh(`rm -rf ${scene().tree.workDir}/*`);
  await mount();
  first = scene().tree.addMeeting().id;
  scene().tree.giveTo(scene().bbb);
  expect(await run(`-m ${first}`)).toMatchObject({ status: 0, stderr: '' });
});

describe('another file system at the spool', () => {
  it('is none after an ordinary remount', async () => {
    await mount();
    const second = scene().tree.addMeeting().id;
    expect(await run(`-m ${second}`)).toMatchObject({ status: 0, stderr: '' });
    expect((await run('deliver')).status).toBe(0);
  });

  it('is refused: the disk below a lost mount gets nothing, and what lay in the spool is not taken for imported', async () => {
    await unmount();
    const second = scene().tree.addMeeting().id;
    const refused = await run(`-m ${second}`);
    expect(refused).toMatchObject({ status: 73, stderr: expect.stringMatching(refusal) });
    expect((await run('deliver')).status).toBe(73);
    expect(stateOf(first)).toBe('delivered');
    expect(hasSenderDone(scene().tree, first)).toBe(false);
    expect(archives()).toEqual([]);
    await mount();
    expect((await run('deliver')).status).toBe(0);
    expect(archives()).toContain(`${second}-presentation.tar`);
    expect(archives()).not.toContain(`${first}-presentation.tar`);
  });

  it('is a problem for check, whose fix makes it the right one; what the old one kept is delivered again', async () => {
    await mount(fstab().replace('spool', 'other'));
    const second = scene().tree.addMeeting().id;
    expect((await run(`-m ${second}`)).stderr).toMatch(refusal);
    const { results } = await scene().readReport();
    const { problem, fix = '' } = results.find(({ check }) => check === 'spool_write') ?? {};
    expect(problem).toMatch(/last delivery/);
    const [, command = ''] = /confirm it once with '([^']+)'/.exec(fix) ?? [];
    const { stdout } = await scene().sh(command);
    expect(stdout).toContain(`${scene().tree.spoolDir} is right from now on: tmpfs from other`);
    for (const id of [first, second]) expect(archives()).toContain(`${id}-presentation.tar`);
    expect(problemsIn(await scene().readReport())).toEqual([]);
    expect((await run('deliver')).status).toBe(0);
  });

  it('is refused by --dry-run too, and --confirm-mount confirms nothing there', async () => {
    await unmount();
    const { status, stderr } = await run(`deliver --confirm-mount --dry-run`);
    expect({ status, stderr }).toMatchObject({ status: 64, stderr: expect.stringContaining('--dry-run') });
    expect(readFileSync(join(scene().tree.workDir, 'spools.json'), 'utf8')).toContain('tmpfs from spool');
    expect((await run(`-m ${first} --again --dry-run`)).status).toBe(73);
    await mount();
  });
});
