import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createRunToken, isAbandoned } from '../../../hook/system/run-token.ts';
import { nextLine, runInChildNode, startChildNode } from '../../support/program/child-node.ts';

const week = 7 * 24 * 3600 * 1000;
const say = "const { createRunToken } = await hook('system/run-token'); say(createRunToken());";

/** The token of this run with one of its parts (host, boot, pid, start, random) replaced. */
function tokenWith(part: 0 | 1 | 2 | 3 | 4, value: string): string {
  return createRunToken().split('.').with(part, value).join('.');
}

describe('createRunToken', () => {
  it('differs from call to call, and fits behind the longest archive name', () => {
    const tokens = Array.from({ length: 100 }, createRunToken);
    expect(new Set(tokens).size).toBe(100);
    for (const token of tokens) expect(token.length).toBeLessThanOrEqual(60);
  });

  it('has only characters that need no protection in a path', () => {
    expect(createRunToken()).toMatch(/^[0-9a-f.]+$/);
    expect(createRunToken()).not.toContain(hostname());
  });
});

describe('isAbandoned', () => {
  it('says no of the run that asks', () => {
    expect(isAbandoned(createRunToken(), 10 * week)).toBe(false);
  });

  it('says no of a run that is alive, and yes once it is killed', async () => {
    const running = startChildNode(`${say} setInterval(() => {}, 1000); await new Promise(() => {});`);
    try {
      const token = await nextLine(running);
      expect(isAbandoned(token, 10 * week)).toBe(false);
      running.child.kill('SIGKILL');
      await running.result;
      expect(isAbandoned(token, 0)).toBe(true);
    } finally {
      running.child.kill('SIGKILL');
    }
  });

  it('says yes of a killed run whose parent has not asked for its status yet', async () => {
    // The shell becomes a sleep that never waits for its child: that stays a zombie.
    const parent = startChildNode(
      `const { spawn } = await import('node:child_process');
       const { createRunToken } = await hook('system/run-token');
       const { readFileSync } = await import('node:fs');
       const child = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
       child.stdout.once('data', (pid) => setTimeout(() => {
         const stat = readFileSync('/proc/' + Number(pid) + '/stat', 'latin1');
         const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
         say(fields[0] + ' ' + createRunToken().split('.').with(2, String(Number(pid))).with(3, fields[19]).join('.'));
       }, 500));
       process.once('SIGTERM', () => { child.kill('SIGKILL'); process.exit(0); });
       await new Promise(() => {});`,
    );
    try {
      const [state, token = ''] = (await nextLine(parent)).split(' ');
      expect(state).toBe('Z');
      expect(isAbandoned(token, 0)).toBe(true);
    } finally {
      parent.child.kill('SIGTERM');
      await parent.result;
    }
  });

  it('is not misled by a process id that was given out again', () => {
    expect(isAbandoned(tokenWith(3, '1'), 0)).toBe(true);
    expect(isAbandoned(tokenWith(2, '1'), 0)).toBe(true);
  });

  it('is not misled by spaces and parentheses in the name of a process', async () => {
    const running = startChildNode(
      `process.title = 'a) Z 1 (b'; ${say} await new Promise((r) => setTimeout(r, 60000));`,
    );
    try {
      expect(isAbandoned(await nextLine(running), 10 * week)).toBe(false);
    } finally {
      running.child.kill('SIGKILL');
      await running.result;
    }
  });

  it('leaves a run of another boot a day since its last write: a clone of this server may be at work', () => {
    const lookalike = tokenWith(1, '00000000');
    expect(isAbandoned(lookalike, week / 7 - 1000)).toBe(false);
    expect(isAbandoned(lookalike, week / 7 + 1000)).toBe(true);
  });

  it('leaves a run of a container with the same machine id and host name, whose process ids mean nothing here', async () => {
    const { value } = await runInChildNode(
      "const { createRunToken } = await hook('system/run-token'); return createRunToken().split('.');",
      { ownProcesses: true },
    );
    const [host, boot, ...rest] = value as string[];
    const [ownHost, ownBoot] = createRunToken().split('.');
    expect(host).toBe(ownHost);
    expect(boot).not.toBe(ownBoot);
    const token = [host, boot, ...rest].join('.');
    expect(isAbandoned(token, week / 7 - 1000)).toBe(false);
  });

  it("leaves another server's run a week since its last write", () => {
    const foreign = tokenWith(0, '00000000');
    expect(isAbandoned(foreign, week - 1000)).toBe(false);
    expect(isAbandoned(foreign, week + 1000)).toBe(true);
  });

  it('takes a server with another host name for another server', async () => {
    const { value } = await runInChildNode(
      `const { createRunToken } = await hook('system/run-token'); return createRunToken();`,
      { hostname: 'another-bbb' },
    );
    expect(isAbandoned(String(value), week - 1000)).toBe(false);
    expect(isAbandoned(String(value), week + 1000)).toBe(true);
  });

  it.each([
    '',
    'x',
    'tar',
    'a.b.c.d.e',
    '../../x',
    '00000000.00000000.1.1',
    `${'0'.repeat(8)}.x.1.1.00000000`,
  ])('leaves alone what no run of our own has named: %j', (name) => {
    expect(isAbandoned(name, 10 * week)).toBe(false);
  });
});
