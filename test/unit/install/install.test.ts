/** `install` and `uninstall` below a root directory of their own, with a small file as the executable. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { install, uninstall } from '../../../hook/commands/install.ts';
import { readEmbeddedFiles } from '../../../hook/install/embedded-files.ts';
import { installedExecutable, scriptsDirectory } from '../../../hook/install/layout.ts';
import { pastOf } from '../../../hook/install/steps.ts';
import type { Run } from '../../../hook/run.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const files = readEmbeddedFiles();
const postPublish = `${scriptsDirectory}/post_publish`;
const launcher = `${postPublish}/pilos_post_publish.rb`;
const link = '/usr/local/bin/pilos-post-publish';
const pilosYml = '/etc/bigbluebutton/recording/pilos.yml';
const pilosScript = "#!/usr/bin/ruby\nputs 'the script of PILOS'\n";

let root = '';
let executable = '';
beforeEach(() => {
  root = directory.makeDirectory('root');
  mkdirSync(join(root, postPublish), { recursive: true });
  executable = directory.write('pilos-post-publish', 'version 1', 0o755);
});

/** Runs it and returns the lines that it told. */
async function run(command: typeof install | typeof uninstall, dryRun = false): Promise<string[]> {
  const lines: string[] = [];
  const log = { info: (line: string) => lines.push(line.replaceAll(root, '')) };
  const session = { log, json: false, signal: new AbortController().signal } as unknown as Run;
  expect(await command({ root, dryRun }, session, executable)).toBe(0);
  return lines;
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const write = (path: string, content: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const has = (path: string) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

/** Everything below the root that is not a directory, with its content. */
function snapshot(): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => !entry.isDirectory());
  const tell = (path: string) =>
    lstatSync(path).isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, 'utf8');
  return Object.fromEntries(
    found.map(({ parentPath, name }) => [
      join(parentPath, name).slice(root.length),
      tell(join(parentPath, name)),
    ]),
  );
}

describe('install', () => {
  it('puts each part in its place, says so, and leaves nothing else', async () => {
    const lines = await run(install);
    expect(snapshot()).toEqual({
      [installedExecutable]: 'version 1',
      [launcher]: files.launcher,
      [link]: `-> ${installedExecutable}`,
      [pilosYml]: files.configuration,
      '/etc/systemd/system/pilos-post-publish.service': files.service,
      '/etc/systemd/system/pilos-post-publish.timer': files.timer,
      '/etc/logrotate.d/pilos-post-publish': files.logrotate,
    });
    for (const path of Object.keys(snapshot()))
      expect(lines.filter((line) => line.includes(`ed ${path}`))).toHaveLength(1);
    expect(lines.at(-2)).toContain("enable the timer with 'systemctl --root=");
    expect(lines.at(-1)).toBe(`next: set spool_dir in ${pilosYml}, then run 'pilos-post-publish check'`);
  });

  it('gives everything to root, whatever the umask', async () => {
    const before = process.umask(0o077);
    await run(install).finally(() => process.umask(before));
    const modeOf = (path: string) => (statSync(join(root, path)).mode & 0o7777).toString(8);
    expect(modeOf(installedExecutable)).toBe('755');
    expect(modeOf(launcher)).toBe('755');
    for (const path of [pilosYml, '/etc/logrotate.d/pilos-post-publish']) expect(modeOf(path)).toBe('644');
    for (const path of ['/etc/bigbluebutton', '/usr/local/bin', '/etc/systemd/system'])
      expect(modeOf(path)).toBe('755');
    for (const path of Object.keys(snapshot())) {
      const { uid, gid } = lstatSync(join(root, path));
      expect([path, uid, gid]).toEqual([path, 0, 0]);
    }
  });

  it('has nothing to do the second time', async () => {
    await run(install);
    const before = snapshot();
    expect(await run(install)).toContain('nothing to do');
    expect(snapshot()).toEqual(before);
  });

  it('changes nothing with --dry-run, and says the same steps', async () => {
    write(launcher, pilosScript);
    const before = snapshot();
    const planned = await run(install, true);
    expect(snapshot()).toEqual(before);
    const done = await run(install);
    const inPast = (line: string) =>
      Object.entries(pastOf).reduce((told, [verb, past]) => told.replace(`would ${verb} `, `${past} `), line);
    expect(planned.map(inPast).slice(1)).toEqual(done);
  });

  it('keeps a pilos.yml', async () => {
    write(pilosYml, 'spool_dir: /mnt/ours\n');
    expect(await run(install)).toContain(`kept ${pilosYml}`);
    expect(read(pilosYml)).toBe('spool_dir: /mnt/ours\n');
  });

  it('replaces an older version of itself', async () => {
    await run(install);
    write(launcher, files.launcher.replace('--disable-gems', ''));
    executable = directory.write('newer', 'version 2', 0o755);
    await run(install);
    expect(read(installedExecutable)).toBe('version 2');
    expect(read(launcher)).toBe(files.launcher);
    expect(has(`${launcher}.replaced`)).toBe(false);
  });

  it('mends a mode and an owner', async () => {
    await run(install);
    chmodSync(join(root, installedExecutable), 0o600);
    expect(await run(install)).toContain(`replaced ${installedExecutable}`);
    expect(statSync(join(root, installedExecutable)).mode & 0o777).toBe(0o755);
  });

  it('replaces what a killed run has left half done', async () => {
    write(`${postPublish}/.pilos-post-publish.new`, 'vers');
    await run(install);
    expect(readdirSync(join(root, postPublish)).sort()).toEqual([
      'pilos-post-publish',
      'pilos_post_publish.rb',
    ]);
  });
});

describe("a file that is not ours, in our place, such as PILOS' own script", () => {
  it('is set aside under a name that BBB does not run, and uninstall restores it', async () => {
    write(launcher, pilosScript);
    await run(install);
    expect(read(launcher)).toBe(files.launcher);
    expect(read(`${launcher}.replaced`)).toBe(pilosScript);
    await run(uninstall);
    expect(snapshot()).toEqual({ [launcher]: pilosScript, [pilosYml]: files.configuration });
  });

  it('may have sent recordings, which is left to note in an image', async () => {
    const said = async () => (await run(install)).join('\n');
    write(launcher, pilosScript);
    expect(await said()).not.toContain("'pilos-post-publish adopt'");
    await run(uninstall);
    expect(await said()).toContain("run 'pilos-post-publish adopt'");
    expect(await said()).not.toContain("'pilos-post-publish adopt'");
  });

  it('is set aside again when somebody has put a newer one there, and the older one is kept too', async () => {
    write(launcher, pilosScript);
    await run(install);
    write(launcher, `${pilosScript}# newer\n`);
    await run(install);
    expect(read(`${launcher}.replaced`)).toContain('# newer');
    expect(read(`${launcher}.replaced.1`)).toBe(pilosScript);
    await run(uninstall);
    expect(read(launcher)).toContain('# newer');
  });

  it('is set aside when it is a symbolic link', async () => {
    write('/opt/pilos/script.rb', pilosScript);
    symlinkSync(join(root, '/opt/pilos/script.rb'), join(root, launcher));
    await run(install);
    expect(read(launcher)).toBe(files.launcher);
    expect(read('/opt/pilos/script.rb')).toBe(pilosScript);
    await run(uninstall);
    expect(readlinkSync(join(root, launcher))).toBe(join(root, '/opt/pilos/script.rb'));
  });

  it('is set aside in /usr/local/bin', async () => {
    write(link, '#!/bin/sh\n# a wrapper\n');
    await run(install);
    expect(readlinkSync(join(root, link))).toBe(installedExecutable);
    await run(uninstall);
    expect(read(link)).toContain('a wrapper');
  });

  it('is not kept when it is the executable itself, put into /usr/local/bin by hand', async () => {
    write(link, 'version 1');
    executable = join(root, link);
    await run(install);
    expect(readlinkSync(join(root, link))).toBe(installedExecutable);
    expect(read(installedExecutable)).toBe('version 1');
    expect(has(`${link}.replaced`)).toBe(false);
  });
});

describe('uninstall', () => {
  it('keeps pilos.yml and work_dir with the ledger, and says so', async () => {
    write('/var/pilos/ledger/a.json', '{}');
    write(pilosYml, 'work_dir: /var/pilos\nspool_dir: /mnt\n');
    await run(install);
    const lines = await run(uninstall);
    expect(Object.keys(snapshot()).sort()).toEqual([pilosYml, '/var/pilos/ledger/a.json']);
    expect(lines.slice(-2)).toEqual([
      `kept ${pilosYml}`,
      'kept /var/pilos with the ledger, which knows what was delivered',
    ]);
  });

  it('removes what enables the timer', async () => {
    await run(install);
    const wants = '/etc/systemd/system/timers.target.wants/pilos-post-publish.timer';
    mkdirSync(dirname(join(root, wants)));
    symlinkSync('/etc/systemd/system/pilos-post-publish.timer', join(root, wants));
    expect(await run(install)).toEqual(['nothing to do', `kept ${pilosYml}`]);
    await run(uninstall);
    expect(has(wants)).toBe(false);
  });

  it('has nothing to do the second time, and touches nothing with --dry-run', async () => {
    await run(install);
    const before = snapshot();
    const planned = await run(uninstall, true);
    expect(planned).toContain(`would remove ${launcher}`);
    expect(snapshot()).toEqual(before);
    await run(uninstall);
    expect(await run(uninstall)).toContain('nothing to do');
  });

  it("leaves PILOS' script alone that somebody has put back by hand", async () => {
    await run(install);
    write(launcher, pilosScript);
    await run(uninstall);
    expect(read(launcher)).toBe(pilosScript);
    expect(existsSync(join(root, installedExecutable))).toBe(false);
  });
});
