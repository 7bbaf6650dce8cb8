/** The recipes of docs/monitoring.md, run as they stand there, but for the address. */
import { appendFileSync, chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { projectDirectory } from '../../../build/project.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { findPage } from '../../support/docs/pages.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { type Listener, listenForMail, listenForRequests } from '../../support/program/listeners.ts';
import { runProgram } from '../../support/program/run-program.ts';

const createTree = useBbbTrees();
const directory = useTemporaryDirectory();
const { blocks } = findPage('docs/monitoring.md');

let listener: Listener | undefined;
afterEach(() => listener?.stop());

function recipe(what: string, address: string, replacement: string): string {
  const block = blocks.find(({ text }) => text.includes(what) && text.includes(address));
  if (block === undefined) throw new Error(`no recipe with ${what}`);
  return block.text.replace(address, replacement);
}

/** Fails to deliver, in a process that may gain no rights, as in the sandbox of the timer. */
async function fail(tree: BbbTree, script: string): Promise<string> {
  const program = join(tree.root, 'notify-admin');
  writeFileSync(program, `${script}\n`);
  chmodSync(program, 0o755);
  appendFileSync(tree.pilosYml, `notify: ${program}\n`);
  tree.installHook();
  const { id } = tree.addMeeting({ subDir: 'it\'s "missing" ä' });
  const call = ['--no-new-privs', join(tree.postPublishDir, 'pilos-post-publish'), '-m', id];
  const { status, stderr } = await runProgram('setpriv', call, { env: tree.env });
  expect({ status, stderr }).toEqual({
    status: 65,
    stderr: expect.not.stringContaining('nobody was notified'),
  });
  return id;
}

it('a mail: what failed arrives, readable, with any text in it', async () => {
  listener = await listenForMail();
  const id = await fail(
    createTree(),
    recipe('--mail-rcpt', 'smtp://localhost:25', `smtp://${listener.address}`),
  );
  const [mail = '', ...others] = listener.received;
  expect(others).toEqual([]);
  const [head = '', ...body] = mail.split('\r\n\r\n');
  expect(head.split('\r\n')).toContain(`Subject: [${hostname()}] recordings for PILOS: failure`);
  expect(body.join('\r\n')).toContain(`recording: ${id} presentation\r\n`);
  expect(body.join('\r\n')).toContain('"missing" ä');
  expect(body.join('\r\n')).toContain('exit status: 65');
});

it('a web hook: the text is JSON, with any text in it', async () => {
  listener = await listenForRequests();
  const id = await fail(
    createTree(),
    recipe('JSON.generate', 'https://chat.example.org', `http://${listener.address}`),
  );
  const [request = '', ...others] = listener.received;
  expect(others).toEqual([]);
  const [line, body = ''] = request.split('\n');
  expect(line).toBe('POST /hooks/SECRET');
  const { text } = JSON.parse(body) as { text: string };
  expect(text).toContain(`${hostname()}: failure ${id} `);
  expect(text).toContain('"missing" ä');
});

it('a heartbeat: systemd takes the lines, and they call the address', async () => {
  listener = await listenForRequests();
  const lines = recipe('ExecStartPost', 'https://heartbeat.example.org', `http://${listener.address}`);
  const units = join(directory.path, 'units');
  cpSync(join(projectDirectory, 'examples/systemd'), units, { recursive: true });
  const dropIn = join(units, 'pilos-post-publish.service.d');
  mkdirSync(dropIn);
  writeFileSync(join(dropIn, 'heartbeat.conf'), lines);
  // It also looks whether the program is there.
  writeFileSync(join(dropIn, 'program.conf'), '[Service]\nExecStart=\nExecStart=/bin/true\n');
  const verified = await runProgram('systemd-analyze', ['verify', join(units, 'pilos-post-publish.service')]);
  expect(verified).toMatchObject({ status: 0, stderr: '' });
  const [, command = ''] = /^ExecStartPost=-(.*)$/m.exec(lines) ?? [];
  const [curl = '', ...words] = command.split(' ');
  expect((await runProgram(curl, words)).status).toBe(0);
  expect(listener.received).toEqual(['GET /SECRET\n']);
});
