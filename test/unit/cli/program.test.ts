/** The command line, by running `node hook/main.ts`. What the commands do has tests of its own. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitStatuses } from '../../../hook/cli/exit-statuses.ts';
import { EXIT } from '../../../hook/errors.ts';
import { hostileValues } from '../../fixtures/hostile-values.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
const main = join(import.meta.dirname, '../../../hook/main.ts');
const run = (...args: string[]) => runProgram(process.execPath, [main, ...args], { cwd: directory.path });

describe('--help', () => {
  it('lists every exit status with its meaning, and examples', async () => {
    const { status, stdout, stderr } = await run('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const number of Object.values(EXIT)) expect(stdout).toMatch(new RegExp(`^ +${number}  \\S`, 'm'));
    for (const option of [
      '--meeting-id',
      '--format',
      '--dry-run',
      '--config',
      '--bbb-config',
      '--json',
      '--quiet',
    ])
      expect(stdout).toContain(option);
    expect(stdout).toContain('Examples:');
  });

  it('has one line for each exit status of the program', () => {
    expect(exitStatuses.map(([status]) => status).toSorted()).toEqual(Object.values(EXIT).toSorted());
  });

  it.each(['deliver', 'prune'])('describes the command %s', async (command) => {
    const { status, stdout } = await run(command, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`pilos-post-publish ${command}`);
    expect(stdout).toContain('--dry-run');
  });
});

describe('--version', () => {
  it('prints version, commit and Node.js', async () => {
    const { status, stdout } = await run('--version');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^pilos-post-publish \d+\.\d+\.\d+ \(commit \S+, Node v24\.\d+\.\d+\)\n$/);
  });
});

describe('wrong arguments end with exit status 64 and say so on stderr', () => {
  const wrong: [string, string[], string][] = [
    ['nothing', [], 'give a meeting id with -m'],
    ['a format alone', ['-f', 'video'], 'give a meeting id with -m'],
    ['an unknown option', ['-m', 'x', '--dryrun'], "unknown option '--dryrun'"],
    ['an option without its value', ['-m'], 'argument missing'],
    ['an unknown command', ['delivr'], "unknown command 'delivr', did you mean 'deliver'? The commands are "],
    ['an option that counts once, given twice', ['-m', 'x', '-m', 'y'], "'--meeting-id' is given twice"],
    ['an argument too many', ['-m', 'x', 'y'], 'y'],
    ['an option that contradicts another', ['deliver', '--again', '--failed'], 'cannot be used with'],
    ['a limit that is no number', ['deliver', '--limit', '0x10'], 'whole number'],
    ['a span of time that is none', ['deliver', '--since', 'yesterday'], 'neither a span of time nor a date'],
    ['a meeting id that is none', ['-m', '../x'], 'is not a meeting id'],
    ['a format that is none', ['-m', 'x', '-f', '/etc'], 'is not a format'],
    ['a line break', ['-m', 'x', 'a\nb'], 'pilos-post-publish: '],
  ];

  it.each(wrong)('%s', async (_, args, says) => {
    const { status, stdout, stderr } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr).toMatch(/^pilos-post-publish: /);
    expect(stderr).not.toContain('    at ');
  });

  const passable = hostileValues.filter(({ value }) => !value.includes('\0') && value.length < 100_000);

  it('hostile values, however they are given', async () => {
    const sample = passable.filter((_, index) => index % 40 === 0);
    expect(sample.length).toBeGreaterThan(1);
    for (const { what, value } of sample) {
      for (const args of [[`--meeting-id=${value}`], ['-m', 'x', `--format=${value}`]]) {
        const { status, stderr } = await run(...args);
        expect(status, what).toBe(64);
        expect(stderr.replaceAll('\n', ''), what).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
      }
    }
  });
});

describe('a failure', () => {
  const configuration = () => [
    '--config',
    `${directory.path}/pilos.yml`,
    '--bbb-config',
    `${directory.path}/bbb.yml`,
  ];

  it('is a line for each problem, and the fix, without a stack trace', async () => {
    const { status, stdout, stderr } = await run('-m', 'x', ...configuration());
    expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
    expect(stderr).toMatch(
      /^pilos-post-publish: \S+pilos\.yml does not exist\npilos-post-publish: \S+bbb\.yml does not exist\npilos-post-publish: 'pilos-post-publish check' names the command [^\n]*\n$/,
    );
  });

  it('has its stack trace with --verbose', async () => {
    const { status, stderr } = await run('-m', 'x', '--verbose', ...configuration());
    expect(status).toBe(78);
    expect(stderr).toContain('    at ');
  });

  it('takes options before and behind the name of a command', async () => {
    const results = await Promise.all([
      run(...configuration(), 'deliver'),
      run('deliver', ...configuration()),
    ]);
    for (const { status, stderr } of results) {
      expect(status).toBe(78);
      expect(stderr).toContain(`${directory.path}/pilos.yml does not exist`);
    }
  });

  it('merges the files of a repeated --bbb-config', async () => {
    directory.write('pilos.yml', `work_dir: ${directory.path}/w\nspool_dir: /nonexistent\n`);
    directory.write('bbb.yml', 'published_dir: /nonexistent/a\n');
    const second = directory.write('second.yml', 'published_dir: /nonexistent/b\n');
    const { status, stderr } = await run('-m', 'x', '--dry-run', ...configuration(), '--bbb-config', second);
    expect(status).not.toBe(0);
    expect(stderr).toContain('/nonexistent/b');
    expect(stderr).not.toContain('/nonexistent/a');
  });
});
