/**
 * BBB in containers: a Debian without systemd in which a real supervisord runs BBB's worker and our own process, put
 * together from what docs/containers.md says and the example holds.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildPackage } from '../../../build/package.ts';
import { hostArchitecture, outputDirectory, programName, projectDirectory } from '../../../build/project.ts';
import type { CheckResult } from '../../../hook/check/table.ts';
import { parseMapping } from '../../../hook/config/yaml-mapping.ts';
import { describePaths } from '../../support/bbb/bbb-configuration.ts';
import { writeMeeting } from '../../support/bbb/bbb-meeting.ts';
import * as server from '../../support/bbb/bbb-server.ts';
import { findPage } from '../../support/docs/pages.ts';
import { createDebianRoot, type DebianRoot } from '../../support/program/debian-root.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const minute = 60_000;
/** Neither BBB calls for it, nor was it sent before: only `deliver --every` delivers it. */
const leftId = `${'c'.repeat(40)}-1712758751755`;
const spoolDir = '/mnt/storage/recordings-spool';

interface Service {
  volumes: (string | { source: string; target: string })[];
  entrypoint: string[];
}

let root: DebianRoot;
let said: string;
const place = (path: string) => join(root.path, path);
const read = (path: string) => readFileSync(place(path), 'utf8');

beforeAll(async () => {
  root = await createDebianRoot(['supervisor', 'procps']);
  await createBbb();
  const { entrypoint } = await setUp();
  writeFileSync(place('/start'), entrypoint.at(-1) ?? '');
  said = (await root.runOrThrow('sh', '-c', life)).stdout;
}, 10 * minute);
afterAll(() => root.remove());

/** BBB's files as on a server, and what bigbluebutton/docker has in their container: its start, and its worker. */
async function createBbb(): Promise<void> {
  await server.createBbbServer(root.path);
  const paths = describePaths(root.path);
  const { published } = writeMeeting(paths, leftId, { id: leftId });
  const hourAgo = Date.now() / 1000 - 3600;
  utimesSync(`${published('presentation')}/metadata.xml`, hourAgo, hourAgo);
  await runOrThrow('chown', ['--recursive', '998:998', paths.varDir]);
  for (const directory of [spoolDir, `${spoolDir}/failed`])
    await runOrThrow('install', ['-d', '-m', '2775', '-g', '2000', place(directory)]);
  mkdirSync(place('/home/bigbluebutton'));
  writeFileSync(place('/entrypoint.sh'), '#!/bin/sh\nexec /usr/bin/supervisord --nodaemon\n', {
    mode: 0o755,
  });
  copyFileSync(join(projectDirectory, 'test/fixtures/worker.rb'), place('/worker.rb'));
  const call = `ruby /worker.rb ${server.postPublish} /var/log/bigbluebutton/worker.log ${server.newId} presentation`;
  writeFileSync(
    place('/etc/supervisor/conf.d/supervisord.conf'),
    `[program:worker]
command=bash -c '${call} > /tmp/called.new; mv /tmp/called.new /tmp/called; exec -a "resque-2.6.0: Waiting for rap:publish" sleep 600'
user=bigbluebutton
environment=HOME="/home/bigbluebutton"
`,
  );
}

/** Types what docs/containers.md says, and mounts what the example says, with copies. */
async function setUp(): Promise<Service> {
  const directory = place('/bbb-docker');
  mkdirSync(directory);
  const made = await buildPackage({
    architecture: hostArchitecture(),
    executable: join(outputDirectory, programName),
    version: '1.0.0',
    output: directory,
    compression: '-Zgzip -z1',
  });
  const [commands] = findPage('docs/containers.md').blocks.filter(({ text }) => text.includes('dpkg-deb'));
  await runOrThrow('sh', ['-e', '-c', commands?.text ?? ''], { cwd: directory });
  expect(existsSync(made)).toBe(true);
  writeFileSync(join(directory, 'pilos/pilos.yml'), `work_dir: ${server.workDir}\nspool_dir: ${spoolDir}\n`);
  const text = readFileSync(join(directory, 'docker-compose.override.yml'), 'utf8');
  const { services } = parseMapping(text, 'compose') as { services: Record<string, Service> };
  const [[name, one] = []] = Object.entries(services);
  if (name !== 'recordings' || one === undefined) throw new Error(`no service of theirs: ${name}`);
  for (const volume of one.volumes) {
    if (typeof volume !== 'string') continue;
    const [source = '', target = ''] = volume.split(':');
    mkdirSync(dirname(place(target)), { recursive: true });
    copyFileSync(join(directory, source), place(target));
  }
  return one;
}

/** What the container lives through: started with HOME and PATH alone, checked, without our process, stopped. */
const life = `
set -e
[ ! -e /run/systemd ]
env -i PATH="$PATH" HOME=/root /bin/sh -c "$(cat /start)" >/container.log 2>&1 &
container=$!
has() { test -e "${spoolDir}/$1-presentation.tar"; }
until has ${server.newId} && has ${leftId} && test -e /tmp/called; do sleep 0.1; done
own=$(pgrep --uid 998 --full 'deliver --every')
tr '\\0' '\\n' <"/proc/$own/environ" >/environ
grep -E '^(Uid|Groups)' "/proc/$own/status" >/status
until [ -z "$(cat /proc/$own/task/*/children)" ]; do sleep 0.1; done
pilos-post-publish check --json >/check.json || true
supervisorctl stop pilos_post_publish
pilos-post-publish check --json >/check-stopped.json || true
supervisorctl start pilos_post_publish
kill -TERM "$container"
wait "$container" || echo "ended with $?"
pgrep --uid 998 || echo 'nothing is left'
`;

/** Of `check`, what has a problem or warning. */
function problems(file: string): CheckResult[] {
  const { results } = JSON.parse(read(file)) as { results: CheckResult[] };
  return results.filter(({ problem }) => problem !== undefined);
}

it("delivers when BBB's worker calls it, which is given HOME and no USER", () => {
  const { scripts } = JSON.parse(read('/tmp/called')) as { scripts: unknown[] };
  expect(scripts).toEqual([{ script: 'pilos_post_publish', exitStatus: 0, succeeded: true }]);
  expect(existsSync(place(`${spoolDir}/${server.newId}-presentation.tar`))).toBe(true);
});

it('delivers what nothing calls for, as bigbluebutton with the group of the spool', () => {
  expect(existsSync(place(`${spoolDir}/${leftId}-presentation.tar`))).toBe(true);
  expect(read('/status')).toMatch(/^Uid:\t998\t.*\nGroups:\t(998 )?2000 \n$/);
  const names = read('/environ')
    .split('\n')
    .map((line) => line.split('=')[0] ?? '');
  expect(names.filter((name) => !/^(SUPERVISOR_.*|PWD|OLDPWD|SHLVL|_|LC_CTYPE|)$/.test(name)).sort()).toEqual(
    ['HOME', 'PATH'],
  );
});

it('is in order for check, which wants no timer, and says what to do when the process is missing', () => {
  const [before, after] = [problems('/check.json'), problems('/check-stopped.json')];
  // The root has no storage of its own.
  expect(before.map(({ check }) => check)).toEqual(['spool_mount']);
  const added = after.filter(({ check }) => !before.some((one) => one.check === check));
  expect(added).toMatchObject([
    { check: 'timer', state: 'warning', fix: expect.stringContaining('deliver --every 15m') },
  ]);
  expect(JSON.stringify([before, after])).not.toContain('systemctl');
});

it('ends with the container, and when supervisord stops it', () => {
  expect(said).toContain('pilos_post_publish: stopped');
  expect(read('/container.log')).toMatch(/stopped: pilos_post_publish \(exit status 0\)/);
  expect(said).toMatch(/nothing is left\n$/);
});
