/** Three BBB servers and two PILOS instances on this machine, each a host of its own; `make fleet` runs it at full size. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../support/files/temporary-directory.ts';
import { runProgram, startProgram } from '../support/program/run-program.ts';
import { type FleetReport, runFleet } from './fleet.ts';
import type { FleetOptions } from './plan.ts';
import { problemsOf } from './problems.ts';
import { renderTable } from './table.ts';

const minutes = 60_000;
const directory = useTemporaryDirectory();

/** As `make fleet` runs it, and prints its table. */
async function run(options: FleetOptions): Promise<FleetReport> {
  const report = await runFleet(options, new AbortController().signal);
  process.stdout.write(`${renderTable(report)}\n`);
  return report;
}

function expectHealed(report: FleetReport): void {
  expect(problemsOf(report)).toEqual([]);
  const [, cutOff, restricted] = report.servers;
  expect(cutOff?.failed).toBeGreaterThan(0);
  expect(cutOff?.resent).toBe(cutOff?.failed);
  expect(restricted?.refused).toBe(1);
}

/** What an admin reads in BBB's log and in `status`: what was asked for, what is allowed, and what to do. */
function expectRefusalTold({ servers }: FleetReport): void {
  const said =
    "the meeting asks for the sub directory 'instance1', but allowed_sub_dirs has only instance2: " +
    'add it to allowed_sub_dirs in pilos.yml, or correct RECORDING_SPOOL_SUB_DIRECTORY in PILOS';
  const restricted = servers.at(-1);
  expect(restricted?.refusal).toContain(said);
  expect(restricted?.errors).toEqual([said]);
}

describe('three BBB servers and two PILOS instances', { timeout: 10 * minutes }, () => {
  it('on a central spool: each instance gets all of its own and nothing else, though one mount goes for a while', async () => {
    const report = await run({ layout: 'storage', servers: 3, recordings: 30 });
    expectHealed(report);
    expectRefusalTold(report);
    expect(report.servers[1]?.failure).toMatch(/spool directory .*(mount|replaced)/);
  });

  it('with an sshd and rrsync for each instance: the same, though one link goes for a while', async () => {
    const report = await run({ layout: 'ssh', servers: 3, recordings: 15 });
    expectHealed(report);
    expectRefusalTold(report);
    expect(report.servers[1]?.failure).toMatch(/pilos/);
  });
});

describe('make fleet', { timeout: 5 * minutes }, () => {
  const script = join(import.meta.dirname, 'run.ts');
  const loops = () =>
    spawnSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']).stdout.toString();

  it.each([
    ['SERVERS', '2', 'SERVERS=2 is not a whole number from 3 to 250'],
    ['RECORDINGS', 'many', 'RECORDINGS=many is not a whole number from 15 to 1000000'],
    ['LAYOUT', 'nfs', 'LAYOUT=nfs is none of storage and ssh'],
  ])('refuses %s=%s, and says what it may be', async (name, value, said) => {
    const { status, stdout, stderr } = await runProgram(process.execPath, [script], {
      env: { [name]: value },
    });
    expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: `fleet: ${said}\n` });
  });

  it('says so on a machine where it cannot make hosts, and leaves nothing behind', async () => {
    const env = { TMPDIR: directory.makeDirectory('tmp') };
    const denied = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin', process.execPath, script];
    const { status, stderr } = await runProgram('setpriv', denied, { env });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^fleet: switch: this machine cannot make a test host .*Operation not permitted/);
    expect(readdirSync(env.TMPDIR)).toEqual([]);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const env = { TMPDIR: directory.makeDirectory('tmp'), LAYOUT: 'storage' };
    const { child, result } = startProgram(process.execPath, [script], { env });
    // The storage is there, and hosts that have it mounted.
    while (!loops().includes(env.TMPDIR)) {
      expect(child.exitCode).toBeNull();
      await sleep(50);
    }
    await sleep(1000);
    child.kill('SIGINT');
    const { status, stderr } = await result;
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'fleet: interrupted by SIGINT\n' });
    expect(readdirSync(env.TMPDIR)).toEqual([]);
    expect(loops()).not.toContain(env.TMPDIR);
    expect(spawnSync('pgrep', ['--full', env.TMPDIR]).stdout.toString()).toBe('');
  });
});
