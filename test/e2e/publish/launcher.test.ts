/** The launcher, beside a stand-in for the executable that tells what it was given. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { projectDirectory } from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runProgram } from '../../support/program/run-program.ts';

const source = join(projectDirectory, 'build/launcher/pilos_post_publish.rb');
const standIn = '#!/bin/sh\nprintf "%s arguments\\n" "$#"\nprintf "<%s>" "$@"\nexit "$ANSWER"\n';

const directory = useTemporaryDirectory();
/** What a shell would stumble over. */
const folder = 'post publish; touch $HOME';
let launcher: string;

beforeEach(() => {
  launcher = join(directory.path, folder, 'pilos_post_publish.rb');
  mkdirSync(dirname(launcher));
  copyFileSync(source, launcher);
  directory.write(`${folder}/pilos-post-publish`, standIn, 0o755);
});

function runLauncher(args: string[], env: Record<string, string> = {}) {
  return runProgram('ruby', [launcher, ...args], { env: { ANSWER: '0', ...env }, cwd: directory.path });
}

describe('pilos_post_publish.rb', () => {
  it('is three lines of Ruby', () => {
    const lines = readFileSync(source, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe('#!/usr/bin/ruby --disable-gems');
  });

  it('hands its arguments on as they are', async () => {
    const args = ['-m', 'a b', '', '"\'`$HOME', 'two\nlines', '*', '; touch x', '-e', '--', 'ü'];
    const { stdout } = await runLauncher(args);
    expect(stdout).toBe(`10 arguments\n${args.map((argument) => `<${argument}>`).join('')}`);
  });

  it('needs no shell when there are no arguments', async () => {
    expect(await runLauncher([])).toMatchObject({ status: 0, stdout: '0 arguments\n<>', stderr: '' });
    expect(readdirSync(directory.path)).toEqual([folder]);
  });

  it('ends with the exit status of the executable', async () => {
    expect((await runLauncher(['-m', 'x'], { ANSWER: '75' })).status).toBe(75);
  });

  it('finds the executable from a symlink in another directory, and by a relative path', async () => {
    symlinkSync(`${folder}/pilos_post_publish.rb`, join(directory.path, 'link.rb'));
    const result = await runProgram('ruby', ['./link.rb', 'x'], {
      cwd: directory.path,
      env: { ANSWER: '0' },
    });
    expect(result).toMatchObject({ status: 0, stdout: '1 arguments\n<x>' });
  });

  it('loads no RubyGems, also when called as BBB does, and hands no NODE_OPTIONS on', async () => {
    // Ruby loads this first; what the launcher then calls tells how Ruby was started.
    const spy = 'class Object; def exec(env, *) ; puts [defined?(Gem), env].inspect; end; end\n';
    const path = directory.write('spy.rb', spy);
    const { stdout } = await runLauncher([], { RUBYOPT: `-r${path}` });
    expect(stdout).toMatch(/^\[nil, \{"NODE_OPTIONS" ?=> ?nil\}\]\n$/);
    const { stdout: usual } = await runProgram('ruby', [`-r${path}`, '-e', 'exec({})']);
    expect(usual).toBe('["constant", {}]\n');
  });

  it('fails, and names the path, when the executable is missing', async () => {
    const alone = directory.write('alone/pilos_post_publish.rb', readFileSync(source));
    const { status, stdout, stderr } = await runProgram('ruby', [alone, '-m', 'x']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`No such file or directory - ${join(dirname(alone), 'pilos-post-publish')}`);
  });
});
