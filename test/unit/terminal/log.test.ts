import { existsSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { formatLogLine } from '../../../hook/terminal/log.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode, startChildNode } from '../../support/program/child-node.ts';

const directory = useTemporaryDirectory();

describe('formatLogLine', () => {
  const moments = [
    Date.UTC(2024, 3, 10, 14, 19, 11, 753),
    Date.UTC(2024, 0, 1, 0, 0, 0, 0),
    Date.UTC(2026, 9, 25, 0, 59, 59, 999),
    Date.UTC(2026, 9, 25, 1, 30, 0, 1),
    Date.UTC(1999, 11, 31, 23, 59, 59, 5),
  ];
  const severities = ['INFO', 'WARN', 'ERROR'];

  it.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'])(
    "writes what Ruby's own Logger writes at the same time in %s",
    async (zone) => {
      const script = `require 'logger'
        formatter = Logger::Formatter.new
        ARGV.each do |moment|
          time = Time.at(moment.to_i / 1000, moment.to_i % 1000, :millisecond)
          %w[INFO WARN ERROR].each { |severity| print formatter.call(severity, time, nil, 'a message: 1') }
        end
        print Process.pid`;
      const { stdout } = await execa('ruby', ['-e', script, ...moments.map(String)], { env: { TZ: zone } });
      const lines = stdout.split('\n');
      const pid = Number(lines.pop());
      const { value } = await runInChildNode(
        `const { formatLogLine } = await hook('terminal/log');
         return argument.moments.flatMap((moment) => argument.severities.map((severity) =>
           formatLogLine(severity, 'a message: 1', new Date(moment), argument.pid)));`,
        { argument: { moments, severities, pid }, env: { TZ: zone } },
      );
      expect((value as string[]).map((line) => line.trimEnd())).toEqual(lines);
    },
  );

  it('looks like its neighbours in the log', () => {
    expect(formatLogLine('WARN', 'x', new Date(), 42)).toMatch(
      /^W, \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #42\] {2}WARN -- : x\n$/,
    );
  });

  it.each([
    ['a forged line', 'a\nI, [2024-01-01T00:00:00.000000 #1]  INFO -- : delivered'],
    ['a sequence that clears the terminal', '\u001b[2J\u009b2J'],
    ['a carriage return', 'failed\rdelivered'],
    ['text that turns the line around', '\u202edereviled'],
  ])('stays one harmless line with %s', (_, message) => {
    const line = formatLogLine('ERROR', message, new Date(), 1);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(line.endsWith('\n')).toBe(true);
  });
});

/** Runs code with a `log` of these options; returns what came out on stdout, without the outcome, and on stderr. */
async function logIn(options: object, code: string, uid?: number) {
  const program = `const { createLog } = await hook('terminal/log');
    const log = createLog({ quiet: false, verbose: false, json: false, ...argument.options });
    ${code}`;
  const child = {
    argument: { options, file: `${directory.path}/x.log` },
    ...(uid === undefined ? {} : { uid }),
  };
  const { stdout, stderr } = await startChildNode(program, child).result;
  return { stdout: stdout.replace(/\{.*\}\n$/, ''), stderr };
}

const all = "log.info('i'); log.warn('w'); log.error('e'); log.debug('d');";

describe('createLog', () => {
  it.each([
    ['by default', {}, 'i\n', 'pilos-post-publish: w\npilos-post-publish: e\n'],
    ['with --quiet', { quiet: true }, '', 'pilos-post-publish: w\npilos-post-publish: e\n'],
    ['with --verbose', { verbose: true }, 'i\n', 'pilos-post-publish: w\npilos-post-publish: e\nd\n'],
    ['with --json', { json: true }, '', 'pilos-post-publish: w\npilos-post-publish: e\n'],
  ])('reports success on stdout and failure on stderr: %s', async (_, options, stdout, stderr) => {
    expect(await logIn(options, all)).toEqual({ stdout, stderr });
  });

  it('appends all but debug lines to its file, also with --quiet', async () => {
    const file = directory.write('x.log', 'a neighbour\n');
    await logIn({ quiet: true, verbose: true }, `log.setFile(argument.file); ${all}`);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/\[.*\]/, '[]'))).toEqual([
      'a neighbour',
      'I, []  INFO -- : i',
      'W, []  WARN -- : w',
      'E, [] ERROR -- : e',
    ]);
  });

  it('writes to no file before one is set, nor after it is unset', async () => {
    await logIn({}, `${all} log.setFile(argument.file); log.setFile(undefined); ${all}`);
    expect(existsSync(`${directory.path}/x.log`)).toBe(false);
  });

  it('escapes what it prints', async () => {
    const { stdout, stderr } = await logIn(
      { verbose: true },
      "for (const how of ['info', 'warn', 'error', 'debug']) log[how]('a\\n\\x1b[2J');",
    );
    expect(stdout).toBe('a\\x0a\\x1b[2J\n');
    expect(stderr.match(/a\\x0a\\x1b\[2J\n/g)).toHaveLength(3);
  });

  it.each([
    ['may not be written', () => directory.write('x.log', '', 0o600), 'EACCES'],
    ['is a directory', () => directory.makeDirectory('x.log'), 'EISDIR'],
    ['is a device that is full', linkToFull, 'ENOSPC'],
    ['is a FIFO that nobody reads', makeFifo, 'ENXIO'],
  ])('says once that its file %s, and goes on', async (_, make, errno) => {
    await make();
    await execa('chmod', ['755', directory.path]);
    const { stdout, stderr } = await logIn({}, `log.setFile(argument.file); ${all} ${all}`, 65534);
    expect(stdout).toBe('i\ni\n');
    expect(stderr.split('cannot write the log file')).toHaveLength(2);
    expect(stderr).toContain(`${directory.path}/x.log (${errno}): check log_file and its owner`);
    expect(stderr.match(/: [we]\n/g)).toHaveLength(4);
  });

  async function linkToFull(): Promise<void> {
    await execa('ln', ['-s', '/dev/full', `${directory.path}/x.log`]);
  }

  async function makeFifo(): Promise<void> {
    await execa('mkfifo', ['--mode=666', `${directory.path}/x.log`]);
  }

  it('says so when the directory of its file is missing, and creates none', async () => {
    const { stderr } = await logIn({}, "log.setFile('/nonexistent/x.log'); log.info('i');");
    expect(stderr).toContain('cannot write the log file /nonexistent/x.log (ENOENT)');
    expect(existsSync('/nonexistent')).toBe(false);
  });

  it('never mixes the lines of several runs', async () => {
    const file = `${directory.path}/x.log`;
    const code = "log.setFile(argument.file); for (let n = 0; n < 200; n += 1) log.info('x'.repeat(3000));";
    await Promise.all([
      logIn({ quiet: true }, code),
      logIn({ quiet: true }, code),
      logIn({ quiet: true }, code),
    ]);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(600);
    for (const line of lines) expect(line).toMatch(/^I, \[[^\]]+\] {2}INFO -- : x{3000}$/);
  });
});
