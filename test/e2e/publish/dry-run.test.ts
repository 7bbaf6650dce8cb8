/** `--dry-run` says what would be done, in order, and touches nothing: no file, no log line, no network. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { unpackWithPhar } from '../../support/files/unpackers.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { runOrThrow } from '../../support/program/run-program.ts';
import { startRsyncDaemon } from '../../support/rsync/rsync-daemon.ts';
import { largeSize } from '../../support/rsync/rsync-sender.ts';

const createTree = useBbbTrees();

function setSpool(tree: BbbTree, spool: string): void {
  writeFileSync(tree.pilosYml, dump({ work_dir: tree.workDir, spool_dir: spool }));
}

/** Runs it below strace; returns what it printed, and the system calls that write or leave the machine. */
async function traced(tree: BbbTree, args: string[]): Promise<{ stdout: string; calls: string[] }> {
  const trace = join(tree.root, 'trace');
  const calls = '%network,%file,ftruncate,fchmod,fchown,fsync';
  const line = `exec strace -f -qq -e trace=${calls} -e signal=none -o ${trace} "$@"`;
  const { status, stdout, stderr } = await runFromShell(tree, line, args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = readFileSync(trace, 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(20);
  return { stdout, calls: lines.filter((call) => isEffect(call)) };
}

/** Everything but looking, and opening for reading; `execve` is the start of the program itself. */
function isEffect(call: string): boolean {
  const looking =
    /^\d+ +(?:execve|access|faccessat2?|l?stat|newfstatat|statx|statfs|readlink|readlinkat|getcwd|chdir|getsockname|getsockopt)\(/;
  const reading = /^\d+ +open(?:at)?\((?!.*O_(?:WRONLY|RDWR|CREAT))/;
  const unfinished = /^\d+ +<\.\.\. \w+ resumed>|^\d+ \+\+\+/;
  return ![looking, reading, unfinished].some((harmless) => harmless.test(call));
}

it.each([
  { kind: 'a mounted spool', spool: undefined },
  { kind: 'a spool behind ssh', spool: 'pilos-spool@pilos.example.org:/instance' },
  { kind: 'an rsync daemon', spool: 'rsync://192.0.2.1/spool' },
])('touches nothing with $kind: the same tree, no file opened for writing, no network', async ({ spool }) => {
  const tree = createTree({ formats: ['presentation', 'video'], subDirs: ['one'] });
  if (spool !== undefined) setSpool(tree, spool);
  const { id } = tree.addMeeting({ formats: ['presentation', 'video'], subDir: 'one' });
  rmSync(tree.workDir, { recursive: true });
  tree.installHook();
  const before = snapshotTree(tree.root);
  const { stdout, calls } = await traced(tree, ['-m', id, '--dry-run']);
  expect(calls.filter((call) => !call.includes('"/dev/null"'))).toEqual([]);
  rmSync(join(tree.root, 'trace'));
  const changes = diffSnapshots(before, snapshotTree(tree.root));
  // The trace lay there meanwhile.
  expect(changes.filter((line) => !line.startsWith('changed .: mtimeNs'))).toEqual([]);
  expect(stdout).toContain('dry run: nothing is written, sent or logged\n');
});

it('says in order what would be read, packed, written and noted', async () => {
  const tree = createTree({ subDirs: ['one'] });
  const { id, published, eventsFile } = tree.addMeeting({ subDir: 'one' });
  const dry = await tree.run(['-m', id, '-f', 'presentation', '--dry-run']);
  expect(dry).toMatchObject({ status: 0, stderr: '' });
  const target = join(tree.spoolDir, 'one');
  const archive = `${id}-presentation.tar`;
  expect(dry.stdout.trimEnd().split('\n')).toEqual([
    'dry run: nothing is written, sent or logged',
    `read ${eventsFile}: origin PILOS, sub directory one`,
    expect.stringMatching(`^pack ${published('presentation')}: 24 files, \\d+ bytes$`),
    `write ${target}/.${archive}.RUN, mode 0664, then fsync`,
    `rename it to ${target}/${archive}, then fsync the directory`,
    `record the delivery in ${tree.workDir}/ledger`,
  ]);
  // What it says is what a delivery then does.
  const real = await tree.run(['-m', id, '-f', 'presentation', '--json']);
  const delivered = (JSON.parse(real.stdout) as { results: { bytes: number; files: number }[] }).results[0];
  expect(dry.stdout).toContain(`: ${delivered?.files} files, ${delivered?.bytes} bytes\n`);
});

it.each([
  { kind: 'a small', size: 1000, suffix: '.tar', runs: 1 },
  { kind: 'a large', size: largeSize, suffix: '', runs: 2 },
])(
  'prints rsync command lines that deliver $kind recording when they are pasted into a shell',
  async (one) => {
    const tree = createTree();
    // A name that a shell would take apart.
    const workDir = join(tree.root, "work 'dir' $(touch pwned)");
    const daemon = await startRsyncDaemon(tree.spoolDir, tree.root);
    try {
      writeFileSync(tree.pilosYml, dump({ work_dir: workDir, spool_dir: daemon.url }));
      const { id, published } = tree.addMeeting({ files: { 'large.bin': randomBytes(one.size) } });
      const { stdout } = await tree.run(['-m', id, '--dry-run']);
      const commands = [...stdout.matchAll(/^run: (.*)$/gm)].map(([, command]) => command ?? '');
      expect(commands).toHaveLength(one.runs);
      // What stands before them: a tar archive, whoever made it.
      mkdirSync(join(workDir, 'tmp/RUN/empty'), { recursive: true });
      const packed = ['-C', tree.publishedDir, `presentation/${id}`];
      const archive = join(workDir, `tmp/RUN/${id}-presentation${one.suffix}`);
      await runOrThrow('tar', ['-cf', archive, '--format=gnu', ...packed]);
      for (const command of commands) await runOrThrow('sh', ['-e', '-c', command], { cwd: tree.root });
      expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
      await unpackWithPhar(join(tree.spoolDir, `${id}-presentation.tar`), join(tree.root, 'unpacked'));
      const unpacked = join(tree.root, 'unpacked/presentation', id);
      expect(compareTrees(published('presentation'), unpacked)).toEqual([]);
    } finally {
      await daemon.stop();
    }
  },
);

it('prints the ssh command line as the words that rsync is given', async () => {
  const tree = createTree();
  setSpool(tree, 'pilos:/');
  const { id } = tree.addMeeting({ subDir: 'instance1' });
  const { stdout } = await tree.run(['-m', id, '--dry-run']);
  const [send = ''] = /^run: rsync .*$/m.exec(stdout) ?? [];
  const words = (await runOrThrow('sh', ['-c', `printf '%s\\n' ${send.slice('run: '.length)}`])).stdout;
  const [program, ...options] = words.trimEnd().split('\n');
  expect(program).toBe('rsync');
  expect(options.slice(-3)).toEqual([
    '--',
    `${tree.workDir}/tmp/RUN/${id}-presentation.tar`,
    'pilos:/instance1/.',
  ]);
  expect(options.filter((option) => option.startsWith('--rsh='))).toEqual([
    expect.stringMatching(
      /^--rsh=ssh -S \S+\/tmp\/RUN\/ssh -o ControlMaster=no -o BatchMode=yes -o ConnectTimeout=\d+ /,
    ),
  ]);
});

it('gives the steps as JSON with --json', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const { status, stdout } = await tree.run(['-m', id, '--dry-run', '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    results: [{ state: 'planned', files: 24, steps: { length: 4 } }],
    exit_status: 0,
  });
});

it('finds what would fail, without noting it anywhere', async () => {
  const tree = createTree();
  const noSubDir = tree.addMeeting({ subDir: 'missing' });
  const hostile = tree.addMeeting({ subDir: '../out' });
  const empty = tree.addMeeting();
  rmSync(join(empty.published('presentation'), 'metadata.xml'));
  tree.installHook();
  const before = snapshotTree(tree.root);
  expectRefused(await tree.run(['-m', noSubDir.id, '--dry-run']), 73, '/missing does not exist', 'create it');
  expectRefused(await tree.run(['-m', hostile.id, '--dry-run']), 65, "'../out', which is not allowed");
  expectRefused(await tree.run(['-m', empty.id, '--dry-run']), 65, 'has no metadata.xml', '--rebuild');
  expect(diffSnapshots(before, snapshotTree(tree.root))).toEqual([]);
});
