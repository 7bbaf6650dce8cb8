/** The executable and its launcher, on a machine that knows nothing of Node.js. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { outputDirectory, readNodePackage } from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
const executable = join(outputDirectory, 'pilos-post-publish');
const launcher = join(outputDirectory, 'pilos_post_publish.rb');
const version = /^pilos-post-publish \d+\.\d+\.\d+ \(commit [0-9a-f]{7,12}(-dirty)?, Node v24\.\d+\.\d+\)\n$/;

describe('the executable', () => {
  it('runs in an empty environment, where no Node.js is to be found', async () => {
    const result = await runProgram('/usr/bin/env', ['-i', executable, '--version']);
    expect(result).toEqual({ status: 0, signal: null, stdout: expect.stringMatching(version), stderr: '' });
  });

  it('runs in a directory that is gone and with nothing writable', async () => {
    const script = 'mkdir gone && cd gone && rmdir "$PWD" && exec "$0" --version';
    const result = await runProgram('/bin/sh', ['-c', script, executable], { cwd: directory.path });
    expect(result).toMatchObject({ status: 0, stdout: expect.stringMatching(version) });
  });

  it('contains the Node.js that package.json pins', async () => {
    const { stdout } = await runProgram(executable, ['--version']);
    expect(stdout).toContain(`Node v${readNodePackage('x64').version})`);
  });

  it.each(['--inspect', '--eval=1', '--require=x', '--node-options=--inspect', '--v8-options'])(
    'takes %s for an argument of its own, not of Node.js',
    async (argument) => {
      const { status, stderr } = await runProgram(executable, [argument]);
      expect({ status, stderr }).toEqual({ status: 64, stderr: expect.stringContaining(argument) });
    },
  );
});

describe.each([
  { what: 'the executable', command: executable, args: ['--version'] },
  { what: 'ruby with the launcher', command: 'ruby', args: [launcher, '--version'] },
])('$what', ({ command, args }) => {
  let marker: string;
  let intruder: string;
  beforeEach(() => {
    marker = join(directory.path, 'marker');
    intruder = directory.write('intruder.cjs', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`);
  });

  it.each(['--no-such-option', '--eval', '--max-old-space-size=1', '--trace-warnings --stack-size=1'])(
    'is not broken by NODE_OPTIONS=%s',
    async (options) => {
      const result = await runProgram(command, args, { env: { NODE_OPTIONS: options } });
      expect(result).toEqual({ status: 0, signal: null, stdout: expect.stringMatching(version), stderr: '' });
    },
  );

  it('runs no foreign code that NODE_OPTIONS names', async () => {
    for (const option of ['--require', '--import']) {
      const result = await runProgram(command, args, { env: { NODE_OPTIONS: `${option} ${intruder}` } });
      expect(result).toMatchObject({ status: 0, stderr: '' });
    }
    expect(existsSync(marker)).toBe(false);
  });
});
