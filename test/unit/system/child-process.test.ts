import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runChild, startChild } from '../../../hook/system/child-process.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const nothing = { spawnError: undefined, timedOut: false, signal: undefined, exitStatus: undefined };
const sh = (script: string) => ['sh', '-c', script];

/** Milliseconds that an action takes. */
async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const begin = Date.now();
  await action();
  return Date.now() - begin;
}

describe('runChild: the four ways to end', () => {
  it('a status, with what was said', async () => {
    expect(await runChild(sh('echo ä; echo no >&2; exit 3'))).toEqual({
      ...nothing,
      exitStatus: 3,
      stdout: 'ä\n',
      stderr: 'no\n',
    });
  });

  it('a signal', async () => {
    expect(await runChild(sh('kill -TERM $$'))).toMatchObject({ ...nothing, signal: 'SIGTERM' });
  });

  it.each([
    ['/no/such/program', 'ENOENT'],
    ['/', 'EACCES'],
  ])('no start: %s', async (program, spawnError) => {
    expect(await runChild([program])).toMatchObject({ ...nothing, spawnError });
  });

  it('no start: more than a program can be given', async () => {
    const result = await runChild(['true', 'x'.repeat(3_000_000)]);
    expect(result).toMatchObject({ ...nothing, spawnError: 'E2BIG' });
  });

  it('no time left', async () => {
    const took = timeOf(async () => {
      const result = await runChild(sh("trap '' TERM; echo begun; exec sleep 60"), { seconds: 0.5 });
      expect(result).toMatchObject({ ...nothing, timedOut: true, stdout: 'begun\n' });
    });
    expect(await took).toBeLessThan(30_000);
  });

  it('too long without a word', async () => {
    const talks = 'for i in 1 2 3 4 5; do echo $i; sleep 0.3; done';
    expect(await runChild(sh(talks), { silentSeconds: 10 })).toMatchObject({ ...nothing, exitStatus: 0 });
    const stops = await runChild(sh('echo begun; exec sleep 60'), { silentSeconds: 0.5, startSeconds: 60 });
    expect(stops).toMatchObject({ ...nothing, timedOut: true, stdout: 'begun\n' });
  });
});

describe('runChild', () => {
  it('does not wait for what the child leaves in the background with its pipes open', async () => {
    const took = timeOf(async () => {
      const { exitStatus, stdout } = await runChild(sh('sleep 60 & echo $!'));
      expect(exitStatus).toBe(0);
      process.kill(Number(stdout));
    });
    expect(await took).toBeLessThan(30_000);
  });

  it('kills with a child of its own group what that has started', async () => {
    const file = `${directory.path}/survived`;
    await runChild(sh(`(sleep 2; touch '${file}') & sleep 60`), { seconds: 0.5, ownGroup: true });
    await sleep(2500);
    expect(existsSync(file)).toBe(false);
  });

  it('asks it to end when aborted, waits for that, and throws the reason', async () => {
    const file = `${directory.path}/tidied`;
    const abort = new AbortController();
    const script = `trap 'sleep 0.3; touch "${file}"; exit' TERM; echo begun; while :; do sleep 0.1; done`;
    const running = runChild(sh(script), {
      signal: abort.signal,
      onOutput: () => abort.abort('asked to stop'),
    });
    await expect(running).rejects.toBe('asked to stop');
    expect(existsSync(file)).toBe(true);
  });

  it('kills it when it does not end', async () => {
    const abort = new AbortController();
    const options = { signal: abort.signal, graceSeconds: 0.3, onOutput: () => abort.abort('asked to stop') };
    const script = `trap '' TERM; echo begun; exec sleep 60`;
    const took = timeOf(() => expect(runChild(sh(script), options)).rejects.toBe('asked to stop'));
    expect(await took).toBeLessThan(30_000);
  });

  it('says so when a program that ends with us cannot be started', async () => {
    const options = { endsWithUs: true };
    expect(await runChild(['/no/such/program'], options)).toMatchObject({ ...nothing, spawnError: 'ENOENT' });
    expect(await runChild(sh('exit 3'), options)).toMatchObject({ ...nothing, exitStatus: 3 });
  });

  it('gives it the environment that it is given, and no other', async () => {
    const { stdout } = await runChild(['/usr/bin/env'], { environment: { ONLY: 'this' }, directory: '/' });
    expect(stdout).toBe('ONLY=this\n');
  });

  it('keeps stdin open until it is closed', async () => {
    const child = startChild(sh('read line; echo closed'), { keepsInput: true });
    await sleep(300);
    child.closeInput();
    expect(await child.result).toMatchObject({ exitStatus: 0, stdout: 'closed\n' });
  });
});
