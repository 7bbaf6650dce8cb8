/** What a process inherits, or lacks, must not decide about a delivery. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { stopping, writing } from '../../support/program/node-variables.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';

const createTree = useBbbTrees();

it.each([
  ['NODE_OPTIONS', '--no-such-option'],
  ['NODE_UNIQUE_ID', '1'],
  ['NODE_DEBUG', 'fs'],
  ['NODE_EXTRA_CA_CERTS', '/none'],
  ['NODE_ICU_DATA', '/none'],
  ['NODE_PATH', '/none'],
  ['NODE_TEST_CONTEXT', 'child-v8'],
  ['NODE_REDIRECT_WARNINGS', '/none/x'],
  ['NODE_USE_ENV_PROXY', '1'],
  ['UV_USE_IO_URING', '1'],
  ['PKG_EXECPATH', '/none'],
  ['UV_THREADPOOL_SIZE', '0'],
  ['LC_ALL', 'none'],
  ['TZ', 'none'],
])('%s=%s does not steer the executable, also without the launcher', async (name, value) => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const { status } = await tree.run(['-m', id, '-f', 'presentation'], { env: { [name]: value } });
  expect(status).toBe(0);
  expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
});

it.each(Object.entries(stopping))(
  '%s=%s stops Node.js; it does not get past the launcher',
  async (name, value) => {
    const tree = createTree();
    const { id } = tree.addMeeting();
    const call = ['-m', id, '-f', 'presentation'];
    expect((await tree.run(call, { env: { [name]: value } })).status).not.toBe(0);
    expect((await tree.run(call, { env: { [name]: value }, via: 'ruby' })).status).toBe(0);
    expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
  },
);

it.each(writing)('%s makes Node.js write files; it does not get past the launcher', async (name) => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const directory = join(tree.root, 'written');
  const env = { [name]: directory };
  expect((await tree.run(['-m', id], { env, via: 'ruby' })).status).toBe(0);
  expect(existsSync(directory)).toBe(false);
  expect((await tree.run(['-m', id], { env })).status).toBe(0);
  expect(existsSync(directory)).toBe(true);
});

it('the lowest limits that the launcher passes on are enough for a delivery', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const line = 'ulimit -v 2097152; ulimit -d 2097152; ulimit -n 64; ulimit -s 256; exec "$@"';
  expect(await runFromShell(tree, line, ['-m', id])).toMatchObject({ status: 0, stderr: '' });
  expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
});

it('a working directory that is gone does not matter', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const line = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
  expect(await runFromShell(tree, line, ['-m', id])).toMatchObject({ status: 0, stderr: '' });
  expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
});

it('without /proc it says so, and sends nothing', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const line = 'umount --recursive --lazy /proc && exec "$@"';
  const { status, stderr } = await runFromShell(tree, line, ['-m', id], { ownMounts: true });
  expect(status).toBe(69);
  expect(stderr).toContain('/proc is not mounted');
  expect(tree.spoolFiles()).toEqual([]);
});
