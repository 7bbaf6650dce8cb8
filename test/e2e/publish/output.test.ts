/** What a run says: the log beside BBB's own, stdout and stderr, `--json`, `--quiet`, and output that nobody takes. */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeliveryResult } from '../../../hook/delivery/result.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { runOrThrow } from '../../support/program/run-program.ts';
import { readLog, rubyLogLine } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

interface Report {
  meeting_id: string;
  origin?: string;
  sub_dir?: string;
  results: DeliveryResult[];
  exit_status: number;
}

/** A line with its own values taken out, to compare two of them. */
function shapeOf(line: string): string {
  return line
    .replace(/\d/g, '0')
    .replace(/#0+/, '#0')
    .replace(/ -- : .*/, ' -- : message');
}

it("logs lines that look like those of Ruby's own Logger, each of the three severities", async () => {
  const tree = createTree();
  const { id } = tree.addMeeting({ eventsXml: false });
  const missing = tree.addMeeting({ subDir: 'missing' });
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect((await tree.run(['-m', missing.id])).status).toBe(73);
  const code = '%w[info warn error].each { |level| Logger.new($stdout).send(level, "message") }';
  const ruby = (await runOrThrow('ruby', ['-rlogger', '-e', code])).stdout.trimEnd().split('\n');
  const shapes = readLog(tree).map(shapeOf);
  // One of each, in the order of what happened: the fallback, the delivery, the failure.
  const [info = '', warn = '', error = ''] = ruby.map(shapeOf);
  expect(shapes).toEqual([warn, info, error]);
  for (const line of [...ruby, ...readLog(tree)]) expect(line).toMatch(rubyLogLine);
});

it('logs to log_file when pilos.yml names one, with local time and its process id', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const logFile = join(tree.logDir, 'elsewhere.log');

  appendFileSync(tree.pilosYml, `log_file: ${logFile}\n`);
  const running = tree.start(['-m', id], { env: { TZ: 'Asia/Tokyo' } });
  const { pid } = running.child;
  expect((await running.result).status).toBe(0);
  const [first = ''] = readFileSync(logFile, 'utf8').split('\n');
  expect(first).toMatch(rubyLogLine);
  expect(first).toContain(` #${pid}] `);
  const logged = /\[([^ ]+) /.exec(first)?.[1] ?? '';
  expect(Math.abs(Date.parse(`${logged.slice(0, 23)}+09:00`) - Date.now())).toBeLessThan(60_000);
  expect(readLog(tree)).toEqual([]);
});

it('prints one JSON document with --json that says what happened, also of a failure', async () => {
  const formats = ['presentation', 'video'];
  const tree = createTree({ formats });
  const { id, published } = tree.addMeeting({ formats });

  rmSync(join(published('video'), 'metadata.xml'));
  const { status, stdout, stderr } = await tree.run(['-m', id, '--json']);
  expect(JSON.parse(stdout) as Report).toEqual({
    meeting_id: id,
    origin: 'PILOS',
    sub_dir: '',
    results: [
      {
        meeting_id: id,
        record_id: id,
        format: 'presentation',
        archive: `${id}-presentation.tar`,
        destination: tree.spoolDir,
        state: 'delivered',
        bytes: expect.any(Number),
        files: 24,
        seconds: expect.any(Number),
      },
      {
        meeting_id: id,
        record_id: id,
        format: 'video',
        archive: `${id}-video.tar`,
        destination: tree.spoolDir,
        state: 'failed',
        error: {
          code: 'metadata_missing',
          message: expect.stringContaining('has no metadata.xml'),
          fix: expect.stringContaining('bbb-record --rebuild'),
        },
        exit_status: 65,
        scope: 'recording',
      },
    ],
    exit_status: 65,
  });
  expect(status).toBe(65);
  expect(stderr).toMatch(
    /^pilos-post-publish: \S+-video\.tar: \S+ has no metadata\.xml, or an empty one: [^\n]+\n$/,
  );
});

it('prints a JSON document for a meeting of another front end too', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting({ origin: 'Greenlight' });
  const { status, stdout, stderr } = await tree.run(['-m', id, '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({ meeting_id: id, origin: 'Greenlight', results: [], exit_status: 0 });
});

it('says nothing about success with --quiet, but everything about a failure, and logs both', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  const missing = tree.addMeeting({ subDir: 'missing' });
  const quiet = await tree.run(['--quiet', '-m', meeting.id]);
  expect(quiet).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  expectRefused(
    await tree.run(['--quiet', '-m', missing.id]),
    73,
    '/missing does not exist',
    'create it as PILOS',
  );
  const log = readLog(tree);
  expect(log).toHaveLength(2);
  expect(log.join('\n')).toMatch(/delivered .*\n.*missing does not exist/);
});

it('shows a stack trace with --verbose only', async () => {
  const tree = createTree();
  const verbose = await tree.run(['--verbose', '-m', '../x']);
  const plain = await tree.run(['-m', '../x']);
  expect([verbose.status, plain.status]).toEqual([64, 64]);
  expect(verbose.stderr).toMatch(
    /^pilos-post-publish: -m '\.\.\/x' is not a meeting id: [^\n]+\n.*\bat \w+/s,
  );
  expectRefused(plain, 64, "-m '../x' is not a meeting id");
});

it.each([
  { what: 'a closed stdout', line: 'exec "$@" >&-' },
  { what: 'a closed stderr', line: 'exec "$@" 2>&-' },
  { what: 'all three closed', line: 'exec "$@" <&- >&- 2>&-' },
  { what: 'a full device as stdout', line: 'exec "$@" >/dev/full' },
  { what: 'a full device as stdout and stderr', line: 'exec "$@" >/dev/full 2>&1' },
  { what: 'a stdout that can only be read', line: 'exec "$@" 1</dev/null' },
])('delivers with $what', async ({ line }) => {
  const tree = createTree();
  const { id } = tree.addMeeting({ eventsXml: false });
  expect((await runFromShell(tree, line, ['-m', id])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
  expect(readLog(tree).filter((entry) => entry.includes('delivered'))).not.toEqual([]);
});

it.each(['ruby', 'binary'] as const)(
  'delivers into a pipe whose reader is gone, started by %s',
  async (via) => {
    const tree = createTree();
    const { id } = tree.addMeeting({ eventsXml: false });
    const running = tree.start(['-m', id], { via });
    running.child.stdout.destroy();
    running.child.stderr.destroy();
    expect((await running.result).status).toBe(0);
    expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
  },
);

it('keeps its exit status when nobody reads the failure', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting({ subDir: 'missing' });
  const running = tree.start(['-m', id, '--json']);
  running.child.stdout.destroy();
  running.child.stderr.destroy();
  expect((await running.result).status).toBe(73);
});
