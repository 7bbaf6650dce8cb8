/** `install` and `uninstall` by the executable, on a BBB server of its own where a stand-in plays systemctl. */
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
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { outputDirectory, programName } from '../../../build/project.ts';
import type { Finding } from '../../../hook/check/finding.ts';
import * as server from '../../support/bbb/bbb-server.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { createDebianRoot, type DebianRoot } from '../../support/program/debian-root.ts';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';

const minute = 60_000;
const executable = join(outputDirectory, programName);
const downloaded = '/root/pilos-post-publish';
const timer = 'pilos-post-publish.timer';

/** Notes each call, and does to the timer's link what the real one does. */
const systemctl = `#!/bin/sh
want=/etc/systemd/system/timers.target.wants/${timer}
echo "$*" >>/systemctl.log
case $1 in
  is-enabled) [ -e /masked ] && echo masked && exit 1; [ -L $want ] && echo enabled || { echo disabled; exit 1; } ;;
  is-active) [ -L $want ] && echo active || { echo inactive; exit 3; } ;;
  enable) [ ! -e /broken ] || { echo 'Failed to connect to bus' >&2; exit 1; }; mkdir -p "\${want%/*}"; ln -sf "../${timer}" $want ;;
  disable) rm -f $want ;;
  is-failed) [ -e /failed ] && echo failed || { echo inactive; exit 1; } ;;
esac
`;

let root: DebianRoot;
beforeAll(async () => {
  root = await createDebianRoot();
  await server.createBbbServer(root.path);
  copyFileSync(executable, place(downloaded));
  mkdirSync(place('/run/systemd/system'), { recursive: true });
  writeFileSync(place('/usr/bin/systemctl'), systemctl, { mode: 0o755 });
}, 10 * minute);
afterAll(() => root.remove());
beforeEach(() => {
  writeFileSync(place('/systemctl.log'), '');
});

const place = (path: string) => join(root.path, path);
const read = (path: string) => readFileSync(place(path), 'utf8');
/** The calls that change something. */
const changes = () =>
  read('/systemctl.log')
    .split('\n')
    .filter((line) => /^(?!is-)./.test(line));

describe('on a server with the script of PILOS', { timeout: 2 * minute }, () => {
  it("changes nothing when PILOS' script has sent something that cannot be noted", async () => {
    writeFileSync(place(server.pilosYml), 'spool_dir: /mnt\n');
    const failed = await root.run(downloaded, 'install');
    expect(failed).toMatchObject({ status: 78, stderr: expect.stringContaining('work_dir is missing') });
    expect(read(server.launcher)).toBe(server.pilosScript);
    expect(changes()).toEqual([]);
    writeFileSync(place(server.pilosYml), server.ownPilosYml);
  });

  it('is installed, with its timer started after what was sent is noted', async () => {
    const planned = await root.runOrThrow(downloaded, 'install', '--dry-run');
    expect(planned.stdout).toContain(`would set aside ${server.launcher}`);
    expect(read(server.launcher)).toBe(server.pilosScript);
    await root.runOrThrow(downloaded, 'install');
    expect(read(`${server.launcher}.replaced`)).toBe(server.pilosScript);
    expect(read(server.pilosYml)).toBe(server.ownPilosYml);
    expect(readdirSync(place(`${server.workDir}/ledger`))).toEqual([`${server.sentId}-presentation.json`]);
    expect(changes()).toEqual(['daemon-reload', `enable --now ${timer}`]);
  });

  it('delivers when BBB calls it, and is found by its name', async () => {
    await root.runOrThrow(...server.bbbCall(server.newId));
    expect(server.isDelivered(root.path, server.newId)).toBe(true);
    expect(server.isDelivered(root.path, server.sentId)).toBe(false);
    expect((await root.runOrThrow(programName, '--version')).stdout).toMatch(/^pilos-post-publish \d/);
  });

  it('has nothing to do the second time, by itself or from the download', async () => {
    for (const program of [programName, downloaded])
      expect((await root.runOrThrow(program, 'install')).stdout).toContain('nothing to do\n');
    expect(changes()).toEqual([]);
  });

  it('has systemd read units again that have changed', async () => {
    appendFileSync(place('/etc/systemd/system/pilos-post-publish.timer'), '# of an older version\n');
    await root.runOrThrow(downloaded, 'install');
    expect(changes()).toEqual(['daemon-reload', `restart ${timer}`]);
  });

  it('leaves a timer masked that an admin has masked', async () => {
    writeFileSync(place('/masked'), '');
    expect((await root.runOrThrow(downloaded, 'install')).stdout).toContain(`${timer} is masked`);
    rmSync(place('/masked'));
    expect(changes()).toEqual([]);
  });

  it('says which command is left when systemd does not answer', async () => {
    rmSync(place(`/etc/systemd/system/timers.target.wants/${timer}`));
    writeFileSync(place('/broken'), '');
    const failed = await root.run(downloaded, 'install');
    rmSync(place('/broken'));
    const command = `systemctl enable --now ${timer}`;
    expect(failed).toMatchObject({ status: 69, stderr: expect.stringContaining(`run '${command}'`) });
    expect((await root.runOrThrow(downloaded, 'install')).stdout).toContain(`ran ${command}`);
  });

  it('writes a pilos.yml that was deleted, as check says', async () => {
    const look = async () => {
      const { stdout } = await root.run(programName, 'check', '--json');
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      return findings.find(({ id }) => id === 'pilos-yml');
    };
    rmSync(place(server.pilosYml));
    const { fix, state } = (await look()) ?? {};
    expect({ fix, state }).toEqual({ fix: 'pilos-post-publish install', state: 'problem' });
    await root.runOrThrow('sh', '-c', fix ?? 'exit 99');
    expect((await look())?.state).toBe('ok');
    writeFileSync(place(server.pilosYml), server.ownPilosYml);
  });

  it("is uninstalled: PILOS' script is back, the ledger stays", async () => {
    writeFileSync(place('/failed'), '');
    const { stdout } = await root.runOrThrow(programName, 'uninstall');
    rmSync(place('/failed'));
    expect(stdout).toContain(`kept ${server.workDir} with the ledger`);
    expect(changes()).toEqual([
      `disable --now ${timer}`,
      'daemon-reload',
      'reset-failed pilos-post-publish.service',
    ]);
    expect(readdirSync(place(server.postPublish))).toEqual([basename(server.launcher)]);
    expect(read(server.launcher)).toBe(server.pilosScript);
    expect(read(server.pilosYml)).toBe(server.ownPilosYml);
    const left = await root.runOrThrow('find', '/etc', '/usr/local', '-name', '*pilos-post-publish*');
    expect(left.stdout).toBe('');
    expect((await root.runOrThrow(downloaded, 'uninstall')).stdout).toContain('nothing to do\n');
  });
});

describe('below another root directory', { timeout: 2 * minute }, () => {
  const directory = useTemporaryDirectory();
  const scripts = () => directory.makeDirectory(`root${server.postPublish}`);
  const rootOption = () => ['--root', join(directory.path, 'root')];

  it('replaces the executable while it runs, which goes on', async () => {
    const installed = join(scripts(), programName);
    await runOrThrow(executable, ['install', ...rootOption()]);
    const before = lstatSync(installed).ino;
    const newer = join(directory.path, 'newer');
    copyFileSync(executable, newer);
    appendFileSync(newer, ' ');
    // Held up in its first write.
    const delay = ['-o', '/dev/null', '-e', 'trace=write', '-e', 'inject=write:delay_enter=3s:when=1'];
    const running = runOrThrow('strace', ['--follow-forks', ...delay, installed, '--version']);
    await sleep(1000);
    await runOrThrow(newer, ['install', ...rootOption()]);
    expect(lstatSync(installed).ino).not.toBe(before);
    expect((await running).stdout).toMatch(/^pilos-post-publish \d/);
  });

  it('says everything in one JSON document with --json', async () => {
    scripts();
    const { stdout } = await runOrThrow(executable, ['install', '--json', ...rootOption()]);
    const { steps, exit_status } = JSON.parse(stdout) as { steps: { what: string }[]; exit_status: number };
    expect(exit_status).toBe(0);
    expect(steps.map(({ what }) => basename(what))).toContain('pilos_post_publish.rb');
  });

  it('needs root, and with --dry-run does not', async () => {
    scripts();
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    await runOrThrow('chmod', ['755', directory.path]);
    copyFileSync(executable, join(directory.path, programName));
    const asNobody = (...args: string[]) =>
      runProgram('setpriv', [
        ...user,
        join(directory.path, programName),
        'install',
        ...rootOption(),
        ...args,
      ]);
    expect(await asNobody()).toMatchObject({ status: 77, stderr: expect.stringContaining('sudo') });
    expect(await asNobody('--dry-run')).toMatchObject({ status: 0 });
  });
});
