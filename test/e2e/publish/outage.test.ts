/** The server of a mounted spool is away: before a delivery it is asked, in the middle of one the wait is reported. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import { createCheckScene, useScene } from '../../support/check/check-scene.ts';
import { mountHanging, mountSlowly, unmountDead } from '../../support/check/dead-mount.ts';
import { writeSparseFile } from '../../support/files/large-files.ts';
import type { RunningProgram } from '../../support/program/run-program.ts';
import { hasSenderDone, readLedger, readLog, rubyLogLine } from '../../support/program/traces.ts';

const scene = useScene(createCheckScene);
const format = 'presentation';
const silent =
  /the file system at \S+ \(fuse\.hanging from hanging\) does not answer: bring hanging and the network to it back: the mount then heals itself/;

function addMeeting(): Meeting {
  const { tree, bbb } = scene();
  const meeting = tree.addMeeting();
  tree.giveTo(bbb);
  return meeting;
}

const mounts: { server: ChildProcess; directory: string }[] = [];

afterEach(async () => {
  for (const { server, directory } of mounts.splice(0)) await unmountDead(scene(), server, directory);
  const { sh, tree } = scene();
  await sh(`rm -rf ${tree.spoolDir}/*.tar ${tree.workDir}/hosts ${tree.workDir}/spools.json`);
});

async function hang(directory: string): Promise<void> {
  mounts.push({ server: await mountHanging(scene(), directory), directory });
}

it('asks nobody where everything is on this server', async () => {
  const meeting = addMeeting();
  const { run, tree } = scene();
  const trace = join(tree.root, 'state/trace');
  const by = ['strace', '-f', '-qq', '-e', 'trace=execve', '-o', trace];
  expect((await run(['-m', meeting.id, '-f', format], { by })).status).toBe(0);
  const started = readFileSync(trace, 'utf8').match(/execve\(/g);
  expect(started).toHaveLength(1);
});

describe('a spool that does not answer', () => {
  it("ends BBB's call with 75 and a line; the next one does not even ask, and `deliver` does", async () => {
    const meeting = addMeeting();
    const { run, tree } = scene();
    await hang(tree.spoolDir);
    const call = ['-m', meeting.id, '-f', format];
    expect(await run(call)).toMatchObject({ status: 75, stderr: expect.stringMatching(silent) });
    expect(readLedger(tree, meeting.id, format).attempts).toEqual([
      expect.objectContaining({
        result: 'failed',
        error: expect.objectContaining({ code: 'file_system_silent' }),
      }),
    ]);
    const before = Date.now();
    expect(await run(call)).toMatchObject({
      status: 75,
      stderr: expect.stringMatching(/not tried, because \S+ failed \d+ s ago/),
    });
    expect(Date.now() - before).toBeLessThan(9000);
    expect(await run(['deliver'])).toMatchObject({ status: 75, stderr: expect.stringMatching(silent) });
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
  });

  it('ends `deliver` with 75 also when all that it had to do was to ask what PILOS has taken', async () => {
    const meeting = addMeeting();
    const { run, tree } = scene();
    expect((await run(['deliver'])).status).toBe(0);
    await hang(tree.spoolDir);
    expect(await run(['deliver'])).toMatchObject({ status: 75, stderr: expect.stringMatching(silent) });
    expect(readLedger(tree, meeting.id, format).state).toBe('delivered');
  });

  it('ends every dry run and `status` with 75 and a line; `status` shows all that it knows', async () => {
    const meeting = addMeeting();
    const { run, tree } = scene();
    await hang(tree.spoolDir);
    const commands = [
      ['-m', meeting.id, '--dry-run'],
      ['deliver', '--dry-run'],
      ['migrate', '--dry-run', '--origin', 'Greenlight'],
      ['status'],
      ['status', '-m', meeting.id],
      ['status', '--json'],
    ];
    const results = await Promise.all(commands.map((words) => run(words)));
    for (const [index, { status, stdout, stderr }] of results.entries()) {
      const said = `${commands[index]?.join(' ')}: ${status} ${stdout} ${stderr}`;
      expect(said).toMatch(/the file system at \S+ \(fuse\.hanging from hanging\) does not answer/);
      expect(said).toMatch(/: 75 /);
      if (commands[index]?.[0] === 'status') expect(stdout).toContain('waiting');
    }
    expect(JSON.parse(results.at(-1)?.stdout ?? '')).toMatchObject({
      recordings: expect.arrayContaining([expect.objectContaining({ meeting_id: meeting.id })]),
      problem: { code: 'file_system_silent' },
      exit_status: 75,
    });
  });

  it.each(['work_dir', 'published_dir'] as const)('the same for %s', async (key) => {
    const meeting = addMeeting();
    const { run, tree, sh } = scene();
    const directory = key === 'work_dir' ? tree.workDir : tree.publishedDir;
    await sh(`install -d ${directory}`);
    await hang(directory);
    const commands = [['-m', meeting.id], ['deliver'], ['status'], ['prune', '--dry-run'], ['check']];
    for (const { status, stderr } of await Promise.all(commands.map((words) => run(words))))
      expect({ status, stderr }).toEqual({ status: 75, stderr: expect.stringMatching(silent) });
  });
});

describe('a server that goes away in the middle of a write', { timeout: 300_000 }, () => {
  /** A delivery that waits for its server. */
  async function stopServer(meeting: Meeting) {
    const { tree, start } = scene();
    const storage = join(tree.root, 'state', meeting.id);
    writeSparseFile(join(meeting.published(format), 'video/webcams.webm'), 20_000_000);
    const server = await mountSlowly(scene(), storage);
    mounts.push({ server, directory: tree.spoolDir });
    const delivery = start(['-m', meeting.id, '-f', format]);
    await whenWriting(storage, delivery);
    server.kill('SIGSTOP');
    return { server, storage, ...delivery, said: collect(delivery.child) };
  }

  it('a line says so within a minute, `status` shows since when, and it goes on by itself', async () => {
    const meeting = addMeeting();
    const { run, tree } = scene();
    const { server, storage, result, said } = await stopServer(meeting);
    await said(/presentation\.tar: the file system at \S+ \(fuse\S* from \S+\) has not answered for 30 s/);
    const { stdout, status } = await run(['status', '-m', meeting.id]);
    expect(status).toBe(75);
    expect(stdout).toMatch(/presentation +sending +since \d{4}-/);
    server.kill('SIGCONT');
    expect(await result).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/answers again: the delivery goes on\n$/),
    });
    expect(readdirSync(storage)).toEqual([`${meeting.id}-${format}.tar`]);
    const lines = readLog(tree).filter((line) => line.includes(meeting.id));
    expect(lines.filter((line) => !rubyLogLine.test(line))).toEqual([]);
    expect(lines).toEqual([
      expect.stringContaining('the delivery waits, and goes on by itself when'),
      expect.stringContaining('the delivery goes on'),
      expect.stringContaining(`delivered ${meeting.id}-${format}.tar`),
    ]);
  });

  it('a signal ends it in seconds, with a line, or as soon as the kernel lets it go: FUSE does not before', async () => {
    const meeting = addMeeting();
    const { run, tree } = scene();
    const { server, storage, child, result, said } = await stopServer(meeting);
    await sleep(1000);
    const before = Date.now();
    child.kill('SIGTERM');
    await said(
      /does not answer: the delivery was ended by a signal, and 'pilos-post-publish deliver' repeats it/,
    );
    expect(Date.now() - before).toBeLessThan(30_000);
    server.kill('SIGCONT');
    expect((await result).signal).toBe('SIGKILL');
    expect(readdirSync(storage).filter((name) => name.endsWith('.tar'))).toEqual([]);
    expect(readLedger(tree, meeting.id, format).state).toBe('waiting');
    expect((await run(['status', '-m', meeting.id])).stdout).toMatch(/presentation +waiting/);
  });
});

/** Waits for a line on stderr. */
function collect({ stderr }: { stderr: NodeJS.ReadableStream | null }) {
  let text = '';
  stderr?.on('data', (more: string) => {
    text += more;
  });
  return async (wanted: RegExp) => {
    for (const end = Date.now() + 60_000; !wanted.test(text); await sleep(100))
      if (Date.now() > end) throw new Error(`not said within a minute, but: ${text}`);
  };
}

async function whenWriting(storage: string, { child, result }: RunningProgram): Promise<void> {
  const isWriting = () => readdirSync(storage).some((name) => statSync(join(storage, name)).size > 1_000_000);
  for (const end = Date.now() + 60_000; !isWriting(); await sleep(20))
    if (child.exitCode !== null || Date.now() > end)
      throw new Error(`nothing is written: ${JSON.stringify(child.exitCode === null ? '' : await result)}`);
}
