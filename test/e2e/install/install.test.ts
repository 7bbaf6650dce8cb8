/** `install` and `uninstall` by the executable, on a BBB server of its own where a stand-in plays systemctl. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { outputDirectory, programName, projectDirectory } from '../../../build/project.ts';
import * as server from '../../support/bbb/bbb-server.ts';
import { createDebianRoot, type DebianRoot } from '../../support/program/debian-root.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const minute = 60_000;
const downloaded = '/root/pilos-post-publish';
const timer = 'pilos-post-publish.timer';
const units = '/etc/systemd/system';

/** Notes each call. */
const systemctl = `#!/bin/sh
[ ! -e /broken ] || { echo 'Failed to connect to bus' >&2; exit 1; }
echo "$*" >>/systemctl.log
`;
const timers = `${timer} pilos-post-publish-check.timer`;
const startCalls = ['daemon-reload', `enable ${timers}`, `restart ${timers}`];

let root: DebianRoot;
beforeAll(async () => {
  root = await createDebianRoot();
  await server.createBbbServer(root.path);
  copyFileSync(join(outputDirectory, programName), place(downloaded));
  mkdirSync(place('/run/systemd/system'), { recursive: true });
  writeFileSync(place('/usr/bin/systemctl'), systemctl, { mode: 0o755 });
}, 10 * minute);
afterAll(() => root.remove());
beforeEach(() => {
  writeFileSync(place('/systemctl.log'), '');
});

const place = (path: string) => join(root.path, path);
const read = (path: string) => readFileSync(place(path), 'utf8');
const calls = () => read('/systemctl.log').split('\n').slice(0, -1);

describe('on a server with the script of PILOS', { timeout: 2 * minute }, () => {
  it('says with --dry-run what it would do, to who is not root too, and changes nothing', async () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;
    copyFileSync(place(downloaded), place('/tmp/program'));
    await root.runOrThrow('chmod', '755', '/tmp/program');
    const planned = await root.runOrThrow(...nobody, '/tmp/program', 'install', '--dry-run');
    expect(planned.stdout).toContain(`would set aside ${server.launcher}`);
    const refused = await root.run(...nobody, '/tmp/program', 'install');
    expect(refused).toMatchObject({ status: 77, stderr: expect.stringContaining('sudo') });
    expect(read(server.launcher)).toBe(server.pilosScript);
    expect(calls()).toEqual([]);
  });

  it('is installed and starts its timer', async () => {
    await root.runOrThrow(downloaded, 'install');
    expect(read(`${server.launcher}.replaced`)).toBe(server.pilosScript);
    expect(read(server.pilosYml)).toBe(server.ownPilosYml);
    expect(calls()).toEqual(startCalls);
    for (const path of [server.executable, server.launcher, `${units}/pilos-post-publish.service`])
      expect(lstatSync(place(path))).toMatchObject({ uid: 0, gid: 0 });
  });

  it('delivers when BBB calls it, and is found by its name', async () => {
    await root.runOrThrow(...server.bbbCall(server.newId));
    expect(server.isDelivered(root.path, server.newId)).toBe(true);
    expect((await root.runOrThrow(programName, '--version')).stdout).toMatch(/^pilos-post-publish \d/);
  });

  it('does not send again with its timer what the script of PILOS has sent', async () => {
    await root.runOrThrow(programName, 'deliver');
    expect(server.isDelivered(root.path, server.sentId)).toBe(false);
  });

  it('writes nothing the second time, by itself or from the download', async () => {
    for (const program of [programName, downloaded]) {
      const { stdout } = await root.runOrThrow(program, 'install', '--json');
      const { steps, notes, exit_status } = JSON.parse(stdout) as {
        steps: { verb: string }[];
        notes: string[];
        exit_status: number;
      };
      expect(steps.map(({ verb }) => verb)).toEqual(['run', 'run', 'run']);
      expect({ notes, exit_status }).toEqual({ notes: [`kept ${server.pilosYml}`], exit_status: 0 });
    }
  });

  it('says what is wrong when systemd does not answer, and is done by the next run', async () => {
    appendFileSync(place(`${units}/${timer}`), '# of an older version\n');
    writeFileSync(place('/broken'), '');
    const failed = await root.run(downloaded, 'install');
    rmSync(place('/broken'));
    expect(failed).toMatchObject({ status: 69, stderr: expect.stringContaining('Failed to connect to bus') });
    await root.runOrThrow(downloaded, 'install');
    expect(calls()).toEqual(startCalls);
    expect(read(`${units}/${timer}`)).not.toContain('# of an older version');
  });

  it('leaves the start of the timer to the admin where systemd does not run', async () => {
    renameSync(place('/run/systemd'), place('/run/elsewhere'));
    const { stdout } = await root.runOrThrow(downloaded, 'install');
    renameSync(place('/run/elsewhere'), place('/run/systemd'));
    expect(stdout).toContain(`run 'systemctl enable --now ${timers}'`);
    expect(stdout).toContain("start 'pilos-post-publish deliver --every 15m'");
    expect(calls()).toEqual([]);
  });

  it('replaces the executable while it runs, which goes on', async () => {
    const installed = place(server.executable);
    const before = lstatSync(installed).ino;
    // Held up in its first write.
    const delay = ['-o', '/dev/null', '-e', 'trace=write', '-e', 'inject=write:delay_enter=3s:when=1'];
    const running = runOrThrow('strace', ['--follow-forks', ...delay, installed, '--version']);
    await sleep(1000);
    appendFileSync(place(downloaded), ' ');
    await root.runOrThrow(downloaded, 'install');
    expect(lstatSync(installed).ino).not.toBe(before);
    expect((await running).stdout).toMatch(/^pilos-post-publish \d/);
  });

  it('writes a pilos.yml where there is none', async () => {
    rmSync(place(server.pilosYml));
    const { stdout } = await root.runOrThrow(programName, 'install');
    expect(stdout).toContain(`next: set spool_dir in ${server.pilosYml}`);
    expect(read(server.pilosYml)).toBe(readFileSync(join(projectDirectory, 'examples/pilos.yml'), 'utf8'));
    writeFileSync(place(server.pilosYml), server.ownPilosYml);
  });

  it("is uninstalled: PILOS' script is back, pilos.yml and the ledger stay, nothing else does", async () => {
    mkdirSync(place('/var/lib/systemd/timers'), { recursive: true });
    for (const one of timers.split(' ')) writeFileSync(place(`/var/lib/systemd/timers/stamp-${one}`), '');
    const pilosYml = `${server.ownPilosYml}metrics_file: /var/lib/metrics/pilos.prom\n`;
    writeFileSync(place(server.pilosYml), pilosYml);
    await root.runOrThrow('install', '--directory', '--owner=bigbluebutton', '/var/lib/metrics');
    await root.runOrThrow(programName, 'deliver');
    expect(readdirSync(place('/var/lib/metrics'))).toEqual(['pilos.prom']);
    const { stdout } = await root.runOrThrow(programName, 'uninstall');
    expect(stdout).toContain(`kept ${server.pilosYml}, and the ledger`);
    expect(calls()).toEqual([`disable --now ${timers}`, 'daemon-reload']);
    expect(readdirSync(place(server.postPublish))).toEqual([basename(server.launcher)]);
    expect(read(server.launcher)).toBe(server.pilosScript);
    expect(read(server.pilosYml)).toBe(pilosYml);
    expect(readdirSync(place('/var/lib/metrics'))).toEqual([]);
    const left = await root.runOrThrow(
      'find',
      '/etc',
      '/usr/local',
      '/var/lib',
      '-name',
      '*pilos-post-publish*',
    );
    expect(left.stdout).toBe('');
    expect((await root.runOrThrow(downloaded, 'uninstall')).stdout).toContain('nothing to do\n');
  });

  it("leaves a launcher alone that is not its own, such as PILOS' script put back by hand", async () => {
    await root.runOrThrow(downloaded, 'install');
    writeFileSync(place(server.launcher), server.pilosScript);
    await root.runOrThrow(programName, 'uninstall');
    expect(read(server.launcher)).toBe(server.pilosScript);
    expect(existsSync(place(server.executable))).toBe(false);
  });
});

describe('on another machine', { timeout: 2 * minute }, () => {
  it("refuses where BBB's recording scripts are missing, and where the Debian package is", async () => {
    renameSync(place('/usr/local/bigbluebutton'), place('/usr/local/elsewhere'));
    const refused = await root.run(downloaded, 'install', '--dry-run');
    renameSync(place('/usr/local/elsewhere'), place('/usr/local/bigbluebutton'));
    expect(refused).toMatchObject({ status: 69, stderr: expect.stringContaining('bbb-record-core') });
    mkdirSync(place('/usr/share/doc/pilos-post-publish'), { recursive: true });
    writeFileSync(place('/usr/share/doc/pilos-post-publish/copyright'), '');
    const packaged = await root.run(downloaded, 'install', '--dry-run');
    expect(packaged).toMatchObject({ status: 78, stderr: expect.stringContaining('apt-get') });
  });
});
