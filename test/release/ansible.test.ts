/** examples/ansible: it sets up a BBB server, changes nothing the second time, and the server delivers. */
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostArchitecture, outputDirectory, programName, readVersion } from '../../build/project.ts';
import * as server from '../support/bbb/bbb-server.ts';
import { createDebianRoot, type DebianRoot } from '../support/program/debian-root.ts';

const architecture = hostArchitecture() === 'x64' ? 'amd64' : 'arm64';
const built = join(outputDirectory, `${programName}_${readVersion()}_${architecture}.deb`);
const playbook = join(import.meta.dirname, '../../examples/ansible', `${programName}.yml`);
const spool = '/mnt/storage/recordings-spool';

let root: DebianRoot;
const place = (path: string) => join(root.path, path);
/** What was changed, as Ansible counts it. */
async function play(): Promise<number> {
  const { stdout, stderr, status } = await root.run(
    ...(['ansible-playbook', '--inventory', '/play/inventory', '/play/play.yml'] as const),
    ...['--extra-vars', JSON.stringify({ package: `/play/${basename(built)}`, pilos })],
  );
  expect({ status, stderr, stdout }).toMatchObject({ status: 0 });
  return Number(/changed=(\d+)/.exec(stdout)?.[1]);
}
const pilos = { work_dir: server.workDir, spool_dir: spool };

beforeAll(async () => {
  root = await createDebianRoot(['ansible-core', 'python3-apt'], { suite: 'bookworm' });
  await server.createBbbServer(root.path);
  mkdirSync(place('play'));
  copyFileSync(built, place(`play/${basename(built)}`));
  copyFileSync(playbook, place('play/play.yml'));
  writeFileSync(place('play/inventory'), '[bbb]\nlocalhost ansible_connection=local\n');
  for (const directory of [spool, `${spool}/failed`])
    await root.runOrThrow('install', '-d', '-m', '2775', '-g', '2000', directory);
});
afterAll(() => root.remove());

it('sets a server up, and has nothing to change the second time', async () => {
  expect(await play()).toBeGreaterThan(3);
  expect(await play()).toBe(0);
  expect((await root.runOrThrow('id', '-nG', 'bigbluebutton')).stdout).toContain('pilos-spool');
  expect(readFileSync(place(server.pilosYml), 'utf8')).toContain(`spool_dir: ${spool}`);
});

it('and BBB delivers to that spool, with the group of PILOS', async () => {
  const [, , , , ...call] = server.bbbCall(server.newId);
  await root.runOrThrow(
    'setpriv',
    '--reuid=bigbluebutton',
    '--regid=bigbluebutton',
    '--init-groups',
    ...call,
  );
  expect(statSync(place(`${spool}/${server.newId}-presentation.tar`)).gid).toBe(2000);
});
