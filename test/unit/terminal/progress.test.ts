import { describe, expect, it } from 'vitest';
import { createProgress } from '../../../hook/terminal/progress.ts';
import { formatBytes, formatSeconds } from '../../../hook/terminal/units.ts';
import { runProgram } from '../../support/program/run-program.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1234, '1.2 kB'],
    [9960, '10 kB'],
    [99_499, '99 kB'],
    [123_456, '123 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [1_500_000_000, '1.5 GB'],
    [4_294_967_295, '4.3 GB'],
    [2_000_000_000_000, '2.0 TB'],
    [5e15, '5000 TB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatSeconds', () => {
  it.each([
    [0, '0 s'],
    [0.4, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min 0 s'],
    [185, '3 min 5 s'],
    [3599, '59 min 59 s'],
    [3600, '1 h 0 min'],
    [7_800, '2 h 10 min'],
    [360_000, '100 h 0 min'],
  ])('writes %d as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe('createProgress', () => {
  const work = (milliseconds: number) => `
    const { createProgress } = await import('./hook/terminal/progress.ts');
    const { setTimeout: sleep } = await import('node:timers/promises');
    const task = createProgress(process.stderr.isTTY).start('m-1-video.tar', 1000);
    const begin = Date.now();
    for (let done = 0; Date.now() - begin < ${milliseconds}; done += 1) {
      task.update(done, 'packing');
      await sleep(20);
    }
    task.clear();
    process.stdout.write('ended');`;

  /** What the program shows on a terminal, which `script` (util-linux) makes for it. */
  async function onTerminal(milliseconds: number): Promise<string> {
    const node = `'${process.execPath}' --input-type=module --eval "$CODE"`;
    const options = { env: { CODE: work(milliseconds), TERM: 'xterm', COLUMNS: '120' } };
    const { stdout } = await runProgram('script', ['--quiet', '--command', node, '/dev/null'], options);
    return stdout;
  }

  it('shows bytes, rate and time left on a terminal once the work has lasted a second', async () => {
    const shown = await onTerminal(2500);
    expect(shown).toMatch(/packing m-1-video\.tar \[.*\] \d+% \| \d+ B of 1\.0 kB \| \d+ B\/s \| .* left/);
    expect(shown).toContain('ended');
  });

  it('shows nothing for shorter work', async () => {
    const shown = await onTerminal(300);
    expect(shown).toBe('ended');
  });

  it('shows nothing in a pipe, however long it takes', async () => {
    const { stdout, stderr } = await runProgram(process.execPath, [
      '--input-type=module',
      '--eval',
      work(1500),
    ]);
    expect({ stdout, stderr }).toEqual({ stdout: 'ended', stderr: '' });
  });

  it('says whether it shows anything', () => {
    expect(createProgress(true).isShown).toBe(true);
    expect(createProgress(false).isShown).toBe(false);
  });
});
