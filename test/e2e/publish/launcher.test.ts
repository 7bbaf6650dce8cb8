/** The launcher, beside a stand-in for the executable that prints what it was given. */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { projectDirectory } from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runProgram, startProgram } from '../../support/program/run-program.ts';

const source = join(projectDirectory, 'build/launcher/pilos_post_publish.rb');
const standIn = '#!/bin/sh\nprintf "%s arguments\\n" "$#"\nprintf "<%s>" "$@"\nexit "$ANSWER"\n';

const directory = useTemporaryDirectory();
/** What a shell would stumble over. */
const folder = 'post publish; touch $HOME';
let launcher: string;
let executable: string;

beforeEach(() => {
  launcher = join(directory.path, folder, 'pilos_post_publish.rb');
  mkdirSync(dirname(launcher));
  copyFileSync(source, launcher);
  executable = directory.write(`${folder}/pilos-post-publish`, standIn, 0o755);
});

function replaceExecutable(content: string): void {
  directory.write(`${folder}/pilos-post-publish`, content, 0o755);
}

function replaceByDirectory(): void {
  rmSync(executable);
  mkdirSync(executable);
}

function runLauncher(args: string[], env: Record<string, string> = {}) {
  return runProgram('ruby', [launcher, ...args], { env: { ANSWER: '0', ...env }, cwd: directory.path });
}

/** Runs the launcher from a shell, for what only a shell sets up; `"$@"` is its command line. */
function runFrom(line: string, env: Record<string, string> = {}) {
  return runProgram('sh', ['-c', line, 'sh', 'ruby', launcher], { env: { ANSWER: '0', ...env } });
}

describe('the executable', () => {
  it('is given the arguments as they are', async () => {
    const args = ['-m', 'a b', '', '"\'`$HOME', 'two\nlines', '*', '; touch x', '-e', '--', 'ü'];
    const { stdout } = await runLauncher(args);
    expect(stdout).toBe(`10 arguments\n${args.map((argument) => `<${argument}>`).join('')}`);
  });

  it('is started without a shell when there are no arguments', async () => {
    expect(await runLauncher([])).toMatchObject({ status: 0, stdout: '0 arguments\n<>', stderr: '' });
    expect(readdirSync(directory.path)).toEqual([folder]);
  });

  it('is found from a symlink in another directory, and by a relative path', async () => {
    symlinkSync(`${folder}/pilos_post_publish.rb`, join(directory.path, 'link.rb'));
    const env = { ANSWER: '0' };
    const result = await runProgram('ruby', ['./link.rb', 'x'], { cwd: directory.path, env });
    expect(result).toMatchObject({ status: 0, stdout: '1 arguments\n<x>' });
  });

  it('is found when the working directory is gone', async () => {
    const line = 'mkdir gone && cd gone && rmdir ../gone && exec "$@" x';
    const env = { ANSWER: '0' };
    const result = await runProgram('sh', ['-c', line, 'sh', 'ruby', launcher], { cwd: directory.path, env });
    expect(result).toMatchObject({ status: 0, stdout: '1 arguments\n<x>' });
  });

  it('inherits nothing that steers Node.js, and everything else', async () => {
    replaceExecutable('#!/bin/sh\nenv\n');
    const steering = {
      NODE_OPTIONS: '--inspect',
      NODE_UNIQUE_ID: '1',
      NODE_CHANNEL_FD: '3',
      NODE_REPL_EXTERNAL_MODULE: '/x',
      UV_THREADPOOL_SIZE: '1',
      OPENSSL_CONF: '/x',
    };
    const kept = { SSH_AUTH_SOCK: '/agent', ODD: 'a\nNODE_X=1', NODENAME: 'bbb' };
    const { stdout } = await runLauncher([], { ...steering, ...kept });
    for (const name of Object.keys(steering)) expect(stdout).not.toContain(`${name}=`);
    for (const [name, value] of Object.entries(kept)) expect(stdout).toContain(`${name}=${value}`);
  });
});

describe('Ruby', () => {
  it('is started without RubyGems, also when called as BBB does', async () => {
    // Ruby loads this first; what the launcher then calls shows how Ruby was started.
    const spy = directory.write(
      'spy.rb',
      'module Kernel; def spawn(*); abort defined?(Gem).inspect; end; end\n',
    );
    const { stderr } = await runLauncher([], { RUBYOPT: `-r${spy}` });
    expect(stderr).toBe('nil\n');
    const { stderr: usual } = await runProgram('ruby', [`-r${spy}`, '-e', 'spawn']);
    expect(usual).toBe('"constant"\n');
  });
});

describe('the exit status', () => {
  it.each(['0', '1', '75', '255'])('of the executable is passed on: %s', async (answer) => {
    expect((await runLauncher(['-m', 'x'], { ANSWER: answer })).status).toBe(Number(answer));
  });

  it.each([
    ['KILL', 137],
    ['SEGV', 139],
    ['ABRT', 134],
    ['TERM', 75],
    ['INT', 75],
    ['HUP', 75],
  ])('is a number when SIG%s ends the executable', async (name, status) => {
    replaceExecutable(`#!/bin/sh\nulimit -c 0\nkill -${name} $$\n`);
    const result = await runLauncher([]);
    expect(result).toMatchObject({ status, signal: null });
    expect(result.stderr).toMatch(new RegExp(`^pilos-post-publish: ended by SIG${name}: .+\\n$`));
  });

  it.each([
    ['is missing', () => rmSync(executable), 'No such file or directory'],
    ['is not executable', () => chmodSync(executable, 0o644), 'Permission denied'],
    ['is a directory', () => replaceByDirectory(), 'Is a directory'],
    ['is empty', () => replaceExecutable(''), 'is not a program'],
    ['lost its content in a crash', () => replaceExecutable('\0'.repeat(4096)), 'is not a program'],
    ['is a text', () => replaceExecutable('exit 0\n'), 'is not a program'],
    ['has no interpreter', () => replaceExecutable('#!/no/such\n'), 'No such file or directory'],
  ])('is 69, with the reason and a fix, when the executable %s', async (_, breakIt, reason) => {
    breakIt();
    const { status, stdout, stderr } = await runLauncher(['-m', 'x']);
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    expect(stderr).toMatch(/^pilos-post-publish: .+: run 'install' .+\n$/);
    expect(stderr).toContain(executable);
    expect(stderr).toContain(reason);
  });

  it.each([
    ['closed', '"$@" <&- >&- 2>&-'],
    ['full', '"$@" >/dev/full 2>/dev/full'],
    ['pipes that nobody reads', '{ "$@"; echo $? >&3; } 3>"$STATUS" 2>&1 | true; exit "$(cat "$STATUS")"'],
  ])('is the same with standard streams that are %s', async (_, line) => {
    const env = { STATUS: join(directory.path, 'status') };
    replaceExecutable('#!/bin/sh\nexit 75\n');
    expect((await runFrom(line, env)).status).toBe(75);
    replaceExecutable('');
    expect((await runFrom(line, env)).status).toBe(69);
  });

  it.each([
    ['as', 'AS (ulimit -v)', 2 ** 31],
    ['data', 'DATA (ulimit -d)', 2 ** 31],
    ['nofile', 'NOFILE (ulimit -n)', 64],
    ['stack', 'STACK (ulimit -s)', 2 ** 18],
  ])('is 69 with a limit in which the executable would crash or hang: %s', async (option, name, least) => {
    const run = (limit: number) =>
      runProgram('prlimit', [`--${option}=${limit}`, '--', 'ruby', launcher], { env: { ANSWER: '75' } });
    expect((await run(least)).status).toBe(75);
    const { status, stderr } = await run(least - 1);
    expect(status).toBe(69);
    expect(stderr).toBe(
      `pilos-post-publish: the limit ${name} is ${least - 1}: raise it to at least ${least}, or remove it\n`,
    );
  });

  it('is that of the executable when the caller ignores the end of its children', async () => {
    const line = "$SIG{CHLD} = 'IGNORE'; exec @ARGV";
    const env = { ANSWER: '75' };
    expect((await runProgram('perl', ['-e', line, 'ruby', launcher], { env })).status).toBe(75);
  });
});

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s is passed on, and the launcher waits',
    async (signal) => {
      const lines = [
        "trap 'sleep 0.2; echo cleaned up; exit 75' TERM INT HUP",
        'echo ready',
        'while :; do sleep 0.05; done',
      ];
      replaceExecutable(`#!/bin/sh\n${lines.join('\n')}\n`);
      const running = startProgram('ruby', [launcher]);
      await new Promise((resolve) => running.child.stdout.once('data', resolve));
      running.child.kill(signal);
      expect(await running.result).toMatchObject({ status: 75, signal: null, stdout: 'ready\ncleaned up\n' });
    },
  );
});

it('is valid Ruby without warnings, and obeys --disable-gems', async () => {
  expect(readFileSync(source, 'utf8').split('\n')[0]).toBe('#!/usr/bin/ruby --disable-gems');
  const { stdout, stderr } = await runProgram('ruby', ['-wc', source]);
  expect({ stdout, stderr }).toEqual({ stdout: 'Syntax OK\n', stderr: '' });
});
