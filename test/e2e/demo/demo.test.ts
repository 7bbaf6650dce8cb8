/** `make demo`: what it shows, that it reports a failure, and that nothing of it is left. */
import { copyFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { startProgram } from '../../support/program/run-program.ts';

const project = resolve(import.meta.dirname, '../../..');
const directory = useTemporaryDirectory();

function startDemo(...args: string[]) {
  const env = { TMPDIR: directory.makeDirectory('tmp') };
  return startProgram(process.execPath, [join(project, 'build/demo.ts'), ...args], { env });
}

function leftovers(): string[] {
  return readdirSync(join(directory.path, 'tmp'));
}

describe('make demo', () => {
  it('shows the whole way, succeeds, and leaves nothing behind', async () => {
    const started = performance.now();
    const { status, stdout, stderr } = await startDemo().result;
    // It takes some ten seconds, on a busy machine as well.
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).not.toContain('✗');
    expect(stdout.match(/^ {2}✓ -m .*exit status 0$/gm)).toHaveLength(4);
    expect(stdout).toMatch(/delivered 495513…1753-presentation\.tar \(26 files, \d+ bytes\)/);
    expect(stdout).toContain('is not from PILOS');
    expect(stdout).toMatch(/^Moment 1: .*nothing is lost$/m);
    expect(stdout).toMatch(/^ {2}✓ -m 495513…1753 -f video +exit status 73\n.* does not exist: mount it, /m);
    expect(stdout).toMatch(/^ {6}delivered 495513…1753-video\.tar .*\n {6}1 delivered$/m);
    expect(stdout).toMatch(/^ {2}✓ 664 .*instance1\/c2d1ff…0421-presentation\.tar$/m);
    expect(stdout).toMatch(/^ {2}✓ instance1\/c2d1ff…0421-presentation\.tar: 26 files, can be played$/m);
    expect(stdout).toMatch(/^Moment 2: PILOS refuses/m);
    expect(stdout).toMatch(/^ {6}PILOS has imported c2d1ff…0421-presentation\.tar$/m);
    expect(stdout).toMatch(
      /^ {8}presentation refused since .*\n.*failed\/.*\n {10}fix: .* -m 7d41c0…0317'$/m,
    );
    expect(stdout).toMatch(/^ {6}PILOS has imported 7d41c0…0317-presentation\.tar$/m);
    expect(stdout).toMatch(/^Moment 3: a teacher asks/m);
    expect(stdout).toMatch(/^ {6}\S.* Analysis I +495513…1753 .* presentation imported, video imported$/m);
    expect(stdout).toMatch(/PILOS has every recording, byte for byte\.\n$/);
    expect(leftovers()).toEqual([]);
  });

  it('has no colours in a pipe, no trailing space, and no line for a very wide terminal', async () => {
    const { stdout } = await startDemo().result;
    expect(stdout).not.toContain('\x1b');
    for (const line of stdout.split('\n')) {
      expect(line).toBe(line.trimEnd());
      expect(line.length, line).toBeLessThan(180);
    }
  });

  it('fails and says what is wrong when the program delivers nothing', async () => {
    const dist = directory.makeDirectory('dist');
    directory.write('dist/pilos-post-publish', '#!/bin/sh\nexit 0\n', 0o755);
    copyFileSync(join(project, 'build/launcher/pilos_post_publish.rb'), join(dist, 'pilos_post_publish.rb'));
    const { status, stdout } = await startDemo(dist).result;
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ {2}✗ .*missing +495513…1753-video\.tar$/m);
    expect(stdout).toMatch(/Not as it should be: \d+, marked ✗\.\n$/);
    expect(leftovers()).toEqual([]);
  });

  it("says 'make build' when there is no executable", async () => {
    const { status, stderr } = await startDemo(directory.makeDirectory('empty')).result;
    expect({ status, stderr }).toEqual({ status: 1, stderr: "demo: run 'make build' first\n" });
    expect(leftovers()).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves nothing behind after %s', async (signal) => {
    const { child, result } = startDemo();
    while (leftovers().length === 0) await setTimeout(10);
    await setTimeout(300);
    child.kill(signal);
    const { status, stderr } = await result;
    expect({ status, stderr }).toEqual({ status: 1, stderr: `demo: interrupted by ${signal}\n` });
    expect(leftovers()).toEqual([]);
  });
});
