/** The tests themselves: interrupted or killed, they leave nothing on the machine that they run on. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runOrThrow, runProgram, startProgram } from '../../support/program/run-program.ts';
import { runVariable } from '../../support/run/test-run.ts';

const directory = useTemporaryDirectory();
const project = join(import.meta.dirname, '../../..');

/** What bears the letters of a run, of every kind that the fixture makes. */
async function leftOf(run: string): Promise<string[]> {
  const lists = [
    ['getent', 'passwd'],
    ['getent', 'group'],
    ['findmnt', '--list', '--noheadings', '--output', 'TARGET'],
    ['losetup', '--list', '--noheadings'],
    ['ip', 'netns', 'list'],
    ['ls', '/home', tmpdir()],
  ] as const;
  const outputs = await Promise.all(
    lists.map(async ([command, ...args]) => (await runOrThrow(command, args)).stdout),
  );
  const lines = outputs.join('\n').split('\n');
  return [...lines.filter((line) => line.includes(run)), ...processesOf(run)];
}

function processesOf(run: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const [command, environment] = ['cmdline', 'environ'].map((name) =>
        readFileSync(`/proc/${pid}/${name}`, 'latin1'),
      );
      const isOurs =
        command !== '' && `${command}${environment}`.includes(run) && !command?.includes('sweep.ts');
      return isOurs ? [`process ${command?.replaceAll('\0', ' ')}`] : [];
    } catch {
      return [];
    }
  });
}

it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'leave no directory, user, mount or process after %s',
  async (signal) => {
    const vitest = join(project, 'node_modules/.bin/vitest');
    const running = startProgram(vitest, ['run', '--config', 'test/fixtures/interrupted/vitest.config.ts'], {
      cwd: project,
      env: { PATH: process.env['PATH'], TMPDIR: tmpdir(), [runVariable]: undefined },
    });
    const run = await new Promise<string>((resolve, reject) => {
      let text = '';
      running.child.stdout.on('data', (chunk: string) => {
        text += chunk;
        const [, found] = /ready: (\w+)/.exec(text) ?? [];
        if (found !== undefined) resolve(found);
      });
      running.child.once('close', () => reject(new Error(`it ended too soon: ${text}`)));
    });
    const before = (await leftOf(run)).join('\n');
    for (const kind of ['ppp-bbb-', 'ppp-spool-', '/memory-', '/disk-', 'image', 'faults-', 'process'])
      expect(before).toContain(kind);
    running.child.kill(signal);
    await expect.poll(() => leftOf(run), { timeout: 60_000, interval: 200 }).toEqual([]);
    await running.result;
    expect(existsSync(join(tmpdir(), `ppp-${run}`))).toBe(false);
  },
);

it('say in one line, before they start, that they cannot mount anything in a plain chroot', async () => {
  // A root directory that is no mount point, with this machine's directories in it.
  const script = `mount -t tmpfs tmpfs "$0" && mkdir "$0/root" && cd /
    for each in bin dev etc lib lib64 proc run sbin tmp usr var; do
      [ ! -e $each ] || { mkdir "$0/root/$each" && mount --rbind /$each "$0/root/$each"; }
    done
    mkdir "$0/root/build" && mount --bind "$1" "$0/root/build"
    exec chroot "$0/root" /build/system-packages.sh test`;
  const result = await runProgram('unshare', [
    '--mount',
    'sh',
    '-c',
    script,
    directory.path,
    `${project}/build`,
  ]);
  expect(result).toEqual({
    ...{ status: 69, signal: null, stdout: '' },
    stderr: expect.stringMatching(
      /^The tests cannot mount anything of their own here \(.+\): .* mount point .*\n$/,
    ),
  });
});

it('end what names a user of theirs, but not a command with users of several runs, such as gpasswd of another one', async () => {
  const [swept, other] = ['ppp-pilos-00abcd00000000', 'ppp-pilos-00abce00000000'];
  const start = (members: string) => startProgram('perl', ['-e', 'sleep 600', members]);
  const [own, shared] = [start(swept), start(`${swept},${other}`)];
  try {
    const sweeper = join(project, 'test/support/run/sweep.ts');
    const left = await runProgram(process.execPath, [sweeper, '00abcd', join(directory.path, 'ppp-00abcd')]);
    expect(left.stderr).toContain(`process ${own.child.pid} `);
    expect(await own.result).toMatchObject({ signal: 'SIGKILL' });
    expect(shared.child.exitCode ?? shared.child.signalCode).toBeNull();
  } finally {
    own.child.kill();
    shared.child.kill();
  }
});
