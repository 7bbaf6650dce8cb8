/** The Debian package on a BBB server that had PILOS' own script: installed, upgraded, removed, purged. */
import {
  appendFileSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage } from '../../../build/package.ts';
import { cacheDirectory, hostArchitecture, outputDirectory, programName } from '../../../build/project.ts';
import type { CheckResult } from '../../../hook/check/table.ts';
import * as server from '../../support/bbb/bbb-server.ts';
import { createDebianRoot, type DebianRoot } from '../../support/program/debian-root.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const minute = 60_000;
const packages = join(cacheDirectory, 'test-packages');
const architecture = hostArchitecture();
const executable = join(outputDirectory, programName);
/** Fast, and lintian wants some. */
const compression = '-Zgzip -z1';
const build = (version: string) =>
  buildPackage({ architecture, executable, version, output: packages, compression });

const [version, nextVersion] = ['1.0.0', '1.0.1'];
let root: DebianRoot;
const built: Record<string, string> = {};
beforeAll(async () => {
  mkdirSync(packages, { recursive: true });
  for (const one of [version, nextVersion]) built[one] = await build(one);
  root = await createDebianRoot();
  await server.createBbbServer(root.path);
  for (const path of Object.values(built)) copyFileSync(path, join(root.path, basename(path)));
}, 10 * minute);
afterAll(async () => {
  await root.remove();
  rmSync(packages, { recursive: true });
});

const place = (path: string) => join(root.path, path);
const read = (path: string) => readFileSync(place(path), 'utf8');
const has = (path: string) => lstatSync(place(path), { throwIfNoEntry: false }) !== undefined;
/** Without anybody to answer a question; returns what is said. apt passes on what dpkg says, on stdout. */
async function install(which: string): Promise<string> {
  const options = ['--yes', '--no-install-recommends'];
  const { stdout } = await root.runOrThrow(
    'apt-get',
    'install',
    ...options,
    `/${basename(built[which] ?? '')}`,
  );
  return stdout;
}
function configure(pilosYml: string): void {
  mkdirSync(place('/etc/bigbluebutton/recording'), { recursive: true });
  writeFileSync(place(server.pilosYml), pilosYml);
}
const packagedTimer = '/usr/lib/systemd/system/pilos-post-publish.timer';
/** What is wrong, by an executable that stays there. */
async function check(): Promise<CheckResult[]> {
  const { stdout } = await root.run('/download/program', 'check', '--json');
  const { results } = JSON.parse(stdout) as { results: CheckResult[] };
  return results.filter(({ problem }) => problem !== undefined);
}
function added(before: CheckResult[], now: CheckResult[]): CheckResult[] {
  return now.filter(({ check: name }) => !before.some((one) => one.check === name));
}
const timerWant = '/etc/systemd/system/timers.target.wants/pilos-post-publish.timer';
const ledger = `${server.workDir}/ledger`;

describe('on a server with the script of PILOS', { timeout: 5 * minute }, () => {
  it('is installed without a question, and keeps the pilos.yml that was there', async () => {
    const said = await install(version);
    expect(said).toContain(`kept ${server.pilosYml}`);
    expect(read(server.pilosYml)).toBe(server.ownPilosYml);
    expect(readdirSync(place('/etc/bigbluebutton/recording'))).toEqual(['pilos.yml']);
    const { stdout: status } = await root.runOrThrow('dpkg', '--status', programName);
    expect(status).toContain('Status: install ok installed');
    expect(status).toMatch(/^Conffiles:\n \/etc\/bigbluebutton\/recording\/pilos\.yml /m);
  });

  it('runs, by its name and without any Node.js', async () => {
    const { stdout } = await root.runOrThrow(programName, '--version');
    expect(stdout).toMatch(/^pilos-post-publish \d/);
    expect((await root.run('which', programName)).stdout).toBe(`/usr/bin/${programName}\n`);
  });

  it("sets PILOS' script aside, and its timer does not send again what that has sent", async () => {
    expect(read(`${server.launcher}.replaced`)).toBe(server.pilosScript);
    const { stdout } = await root.runOrThrow(programName, 'deliver', '--dry-run');
    expect(stdout).toContain(`${server.newId}-presentation.tar: would be delivered`);
    expect(stdout).not.toContain(server.sentId);
  });

  it('delivers when BBB calls it', async () => {
    await root.runOrThrow(...server.bbbCall(server.newId));
    expect(server.isDelivered(root.path, server.newId)).toBe(true);
    expect(server.isDelivered(root.path, server.sentId)).toBe(false);
  });

  it.each(['pilos-post-publish', 'pilos-post-publish-check'])(
    'has enabled %s.timer, whose service starts what is there',
    async (unit) => {
      expect(has(`/etc/systemd/system/timers.target.wants/${unit}.timer`)).toBe(true);
      const service = read(`/usr/lib/systemd/system/${unit}.service`);
      const [, started = ''] = /^ExecStart=(\S+)/m.exec(service) ?? [];
      expect((await root.run('test', '-x', started)).status).toBe(0);
    },
  );

  it('gives its files to root, with the modes that BBB and systemd need', async () => {
    const { stdout } = await root.runOrThrow('dpkg', '--listfiles', programName);
    for (const path of stdout.split('\n').filter((line) => /^\/./.test(line) && line !== '/.')) {
      const { uid, gid, mode } = lstatSync(place(path));
      expect([path, uid, gid]).toEqual([path, 0, 0]);
      const isProgram = path.startsWith(server.postPublish) || path.endsWith('.sh');
      if (lstatSync(place(path)).isFile())
        expect([path, mode & 0o7777]).toEqual([path, isProgram ? 0o755 : 0o644]);
    }
    // Everything is as packed, but for the configuration that the admin had.
    expect((await root.run('dpkg', '--verify', programName)).stdout).toMatch(
      /^\?\?5\?{6} c \/etc\/bigbluebutton\/recording\/pilos\.yml\n$/,
    );
  });

  it('has a rule that logrotate accepts, a man page that man can read, and the examples for monitoring', async () => {
    appendFileSync(place('/var/log/bigbluebutton/post_publish.log'), 'line\n');
    await root.runOrThrow('logrotate', '--force', '/etc/logrotate.d/pilos-post-publish');
    expect(has('/var/log/bigbluebutton/post_publish.log.1')).toBe(true);
    const { stdout: files } = await root.runOrThrow('dpkg', '--listfiles', programName);
    for (const example of ['prometheus-alerts.yml', 'grafana-dashboard.json'])
      expect(files).toContain(`/usr/share/doc/pilos-post-publish/examples/${example}\n`);
    const page = await runOrThrow('man', ['-l', place('/usr/share/man/man1/pilos-post-publish.1.gz')]);
    expect(page.stdout).toContain('deliver');
  });

  it("leaves the command 'install' to the package", async () => {
    const refused = await root.run(programName, 'install');
    expect(refused).toMatchObject({ status: 78, stderr: expect.stringContaining('apt-get') });
  });

  it('is put in order by the commands that check names, when files of it are lost', async () => {
    mkdirSync(place('/run/systemd/system'), { recursive: true });
    const systemctl = `#!/bin/sh
[ "$1" = show ] || exit 0
if [ -e /usr/lib/systemd/system/$3 ]; then echo LoadState=loaded; echo UnitFileState=enabled; echo ActiveState=active
else echo LoadState=not-found; fi
`;
    writeFileSync(place('/usr/bin/systemctl'), systemctl, { mode: 0o755 });
    mkdirSync(place('/download'));
    copyFileSync(built[version] ?? '', place(`/download/${basename(built[version] ?? '')}`));
    copyFileSync(place(server.executable), place('/download/program'));
    const before = await check();

    rmSync(place(packagedTimer));
    const timer = added(before, await check());
    expect(timer.map(({ check }) => check)).toEqual(['timer']);
    rmSync(place(server.executable));
    const executable = added(before, await check());
    expect(executable.map(({ check }) => check)).toEqual(['executable', 'timer']);
    rmSync(place(server.launcher));
    const launcher = added(before, await check());
    expect(launcher.map(({ check }) => check)).toEqual(['launcher', 'timer']);
    rmSync(place(server.pilosYml));
    const pilosYml = added(before, await check()).filter(({ check }) => check === 'pilos_yml');

    const [again] = launcher.map(({ fix }) => fix);
    expect(executable[0]?.fix).toBe(again);
    expect(timer[0]?.fix).toBe(`${again} && systemctl enable --now pilos-post-publish.timer`);
    for (const { fix = 'exit 99' } of [...timer, ...pilosYml])
      await root.runOrThrow('sh', '-c', `cd /download && ${fix}`);
    expect(read(server.pilosYml)).toBe(`work_dir: ${server.workDir}\nspool_dir: /mnt/pilos-spool\n`);
    writeFileSync(place(server.pilosYml), server.ownPilosYml);
    expect(added(before, await check())).toEqual([]);
    for (const path of ['/run/systemd', '/usr/bin/systemctl', '/download'])
      rmSync(place(path), { recursive: true });
  });

  it('is upgraded without a question: pilos.yml, script and a disabled timer stay as they are', async () => {
    // As `systemctl disable` does it.
    rmSync(place(timerWant));
    await install(nextVersion);
    expect((await root.runOrThrow('dpkg-query', '-W', '-f', '$' + '{Version}', programName)).stdout).toBe(
      nextVersion,
    );
    expect(read(server.pilosYml)).toBe(server.ownPilosYml);
    expect(read(`${server.launcher}.replaced`)).toBe(server.pilosScript);
    expect(read(server.launcher)).toContain("'pilos-post-publish'");
    expect(has(timerWant)).toBe(false);
  });

  it("puts PILOS' script back when it is removed, and keeps configuration and ledger, not metrics", async () => {
    appendFileSync(place(server.pilosYml), 'metrics_file: "/var/lib/metrics/pilos.prom" # here\n');
    const pilosYml = read(server.pilosYml);
    await root.runOrThrow('install', '--directory', '--owner=bigbluebutton', '/var/lib/metrics');
    await root.runOrThrow(programName, 'deliver');
    expect(has('/var/lib/metrics/pilos.prom')).toBe(true);
    await root.runOrThrow('apt-get', 'remove', '--yes', programName);
    expect(readdirSync(place(server.postPublish))).toEqual([basename(server.launcher)]);
    expect(read(server.launcher)).toBe(server.pilosScript);
    expect(read(server.pilosYml)).toBe(pilosYml);
    expect(has('/var/lib/metrics/pilos.prom')).toBe(false);
    expect(readdirSync(place(ledger))).toEqual([`${server.newId}-presentation.json`]);
    expect(has('/usr/bin/pilos-post-publish')).toBe(false);
  });

  it('is purged: of everything but the ledger nothing is left', async () => {
    // systemd's own note, which it writes when the timer is started.
    mkdirSync(place('/var/lib/systemd/timers'), { recursive: true });
    for (const timer of ['pilos-post-publish.timer', 'pilos-post-publish-check.timer'])
      writeFileSync(place(`/var/lib/systemd/timers/stamp-${timer}`), '');
    await root.runOrThrow('apt-get', 'purge', '--yes', programName);
    const places = ['/etc', '/usr', '/var', '/root'];
    const { stdout } = await root.runOrThrow('find', ...places, '-iname', '*pilos*', '-print');
    expect(stdout.trim().split('\n').sort()).toEqual([server.launcher, server.workDir].sort());
    expect(readdirSync(place(ledger))).toEqual([`${server.newId}-presentation.json`]);
    expect((await root.runOrThrow('dpkg-divert', '--list')).stdout).not.toContain('pilos');
  });

  it("takes over from the command 'install'", async () => {
    configure(server.ownPilosYml);
    copyFileSync(executable, place('/tmp/pilos-post-publish'));
    await root.runOrThrow('chmod', '755', '/tmp/pilos-post-publish');
    await root.runOrThrow('/tmp/pilos-post-publish', 'install');
    expect(has('/etc/systemd/system/pilos-post-publish.service')).toBe(true);
    await install(version);
    expect(readdirSync(place('/etc/systemd/system')).sort()).not.toContain('pilos-post-publish.service');
    expect(read(server.pilosYml)).toBe(server.ownPilosYml);
    expect(read(`${server.launcher}.replaced`)).toBe(server.pilosScript);
    expect(has('/usr/local/bin/pilos-post-publish')).toBe(false);
    await root.runOrThrow('apt-get', 'purge', '--yes', programName);
    expect(read(server.launcher)).toBe(server.pilosScript);
  });

  it('can be installed before BBB, says so, and leaves nothing behind', async () => {
    rmSync(place('/usr/local/bigbluebutton'), { recursive: true });
    rmSync(place('/etc/bigbluebutton'), { recursive: true, force: true });
    const said = await install(version);
    expect(said).toContain('bbb-record-core');
    expect(said).toContain(`look at spool_dir in ${server.pilosYml}`);
    await root.runOrThrow('apt-get', 'purge', '--yes', programName);
    expect(has('/usr/local/bigbluebutton')).toBe(false);
    expect(has('/etc/bigbluebutton')).toBe(false);
  });
});
