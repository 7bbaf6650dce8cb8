/**
 * A recording's whole way, from BBB's call to what PILOS has imported and what the admin sees of it, on a BBB server
 * made for it in a temporary directory: `make demo`. Ends with status 1 when anything is not as it should be.
 *
 *     node build/demo.ts [DIRECTORY with the executable and its launcher]
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { contentDigest } from '../test/support/files/content-digest.ts';
import type { ImportAttempt } from '../test/support/pilos/import-attempt.ts';
import { createPilos, type Pilos } from '../test/support/pilos/pilos.ts';
import { check, failedChecks, green, heading, quoteLine, red, say } from './demo-screen.ts';
import * as server from './demo-server.ts';
import { outputDirectory, programName } from './project.ts';

let running: ChildProcess | undefined;
let interruptedBy: NodeJS.Signals | undefined;

/** Runs a program to its end, in an environment of its own; returns its exit status and what it printed. */
async function run(command: string, args: string[], options: { cwd?: string; env?: object } = {}) {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], LANG: 'C.UTF-8', ...options.env };
  const ended = await new Promise<{ status: unknown; output: string[] }>((done) => {
    running = execFile(command, args, { ...options, env }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
      done({ status: error === null ? 0 : (error.code ?? error.signal), output });
    });
  });
  if (interruptedBy !== undefined) throw new Error(`interrupted by ${interruptedBy}`);
  return ended;
}

function shortId(id: string): string {
  return `${id.slice(0, 6)}…${id.slice(-4)}`;
}

function showServer(): void {
  heading('A BBB server has published', `below ${server.published}; ids are shortened here`);
  for (const { id, name, origin, subDir, formats } of server.meetings) {
    const wish = subDir === '' ? '' : `, sub directory ${subDir}`;
    say(`  ${shortId(id)}  ${name.padEnd(14)}  ${formats.join(', ').padEnd(19)}  from ${origin}${wish}`);
  }
}

/** Paths as on a real server, and meeting ids short enough for one line. */
function shorten(text: string, root: string): string {
  const id = server.meetings[0]?.id ?? '';
  const header = `MEETING ID${' '.repeat(id.length - shortId(id).length)}`;
  const plain = text.replaceAll(root, '').replace(header, 'MEETING ID');
  return server.meetings.reduce((line, { id }) => line.replaceAll(id, shortId(id)), plain);
}

function environmentOf(root: string) {
  return {
    PILOS_POST_PUBLISH_CONFIG: `${root}${server.pilosConfig}`,
    PILOS_POST_PUBLISH_BBB_CONFIG: `${root}${server.bbbConfig}`,
  };
}

async function callAsBbb(root: string): Promise<void> {
  heading('BBB calls the hook', `ruby ${server.launcher} -m ID -f FORMAT`);
  const options = { cwd: `${root}${server.scripts}`, env: environmentOf(root) };
  for (const { id, formats } of server.meetings) {
    for (const format of formats) {
      const { status, output } = await run(
        'ruby',
        [`${root}${server.launcher}`, '-m', id, '-f', format],
        options,
      );
      check(status === 0, `-m ${shortId(id)} -f ${format.padEnd(12)}  exit status ${status}`);
      for (const line of output) quoteLine(`      ${shorten(line, root)}`);
    }
  }
}

const ours = server.meetings.filter(({ origin }) => origin === 'PILOS');
/** What must be in the spool: path of the archive below it, and of the directory that it was made from. */
const deliveries = ours.flatMap((meeting) =>
  meeting.formats.map((format) => ({
    ...{ meeting, format, source: `${format}/${meeting.id}` },
    archive: join(meeting.subDir, `${meeting.id}-${format}.tar`),
  })),
);
type Delivery = (typeof deliveries)[number];

function showSpool(root: string, group: number): void {
  heading('The spool of PILOS', `${server.spool}: whole archives only, readable for PILOS' group`);
  const [spool, expected] = [join(root, server.spool), deliveries.map(({ archive }) => archive)];
  for (const file of [...new Set([...expected, ...readFiles(spool)])].sort()) {
    const stats = statSync(join(spool, file), { throwIfNoEntry: false });
    const mode = ((stats?.mode ?? 0) & 0o7777).toString(8);
    const isRight = expected.includes(file) && stats?.gid === group && mode === '664';
    const size = stats?.size.toLocaleString('en') ?? 'missing';
    check(isRight, `${mode}  group ${stats?.gid}  ${size.padStart(9)}  ${shorten(file, root)}`);
  }
}

function showLog(root: string): void {
  heading('The log', server.logFile);
  const lines = readFileSync(join(root, server.logFile), 'utf8').trimEnd().split('\n');
  for (const line of lines.slice(-3)) say(`  ${shorten(line, root)}`);
  const isRubys = lines.every((line) => /^[IWE], \[\S+ #\d+\] +[A-Z]+ -- : ./.test(line));
  check(isRubys, `${lines.length} lines, written as BBB's other scripts write them`);
}

/** A command of the admin's, or of the timer; returns what it printed, one text. */
async function runCommand(root: string, distDirectory: string, ...args: string[]): Promise<string> {
  const { status, output } = await run(join(distDirectory, programName), args, { env: environmentOf(root) });
  check(
    status === 0,
    `${programName} ${args.map((word) => shorten(word, root)).join(' ')}  exit status ${status}`,
  );
  for (const line of output) quoteLine(`      ${shorten(line, root)}`);
  return output.join('\n');
}

async function runTimer(root: string, distDirectory: string): Promise<void> {
  heading(
    'The timer looks again',
    'what PILOS has imported completely gets its -sender.done, and may be deleted here',
  );
  await runCommand(root, distDirectory, 'deliver');
  for (const { id, formats, isKnown } of ours) {
    const isDone = existsSync(join(root, server.recording, `status/published/${id}-sender.done`));
    const isWhole = formats.length === 2;
    const why = isKnown ? 'BBB still makes its video' : 'PILOS has refused it';
    check(isDone === isWhole, `${shortId(id)} has ${isWhole ? 'a -sender.done' : `no -sender.done: ${why}`}`);
  }
}

async function askStatus(root: string, distDirectory: string): Promise<void> {
  heading('The admin asks', 'what PILOS has, and what needs somebody');
  await runCommand(root, distDirectory, 'status');
  const refused = ours.find(({ isKnown }) => !isKnown);
  if (refused === undefined) return;
  const details = await runCommand(root, distDirectory, 'status', '-m', refused.id);
  check(details.includes('refused'), 'the one that PILOS has refused is named, with what to do');
}

async function showImport(root: string): Promise<void> {
  heading('PILOS imports', 'compared byte by byte with what BBB published; what it refuses lies in failed/');
  for (const subDir of new Set(ours.map((meeting) => meeting.subDir))) {
    const meetings = ours.filter((meeting) => meeting.subDir === subDir);
    const known = meetings.filter(({ isKnown }) => isKnown).map(({ externalId }) => externalId);
    const places = { spool: join(root, server.spool, subDir), store: join(root, 'pilos', subDir) };
    const pilos = await createPilos({ ...places, meetings: known });
    const attempts = await pilos.importOnce();
    if (interruptedBy !== undefined) throw new Error(`interrupted by ${interruptedBy}`);
    for (const one of deliveries.filter(({ meeting }) => meetings.includes(meeting)))
      showAttempt(
        root,
        pilos,
        one,
        attempts.find(({ archive }) => join(subDir, archive) === one.archive),
      );
  }
}

/** What PILOS made of an archive, and whether that is right. */
function showAttempt(
  root: string,
  pilos: Pilos,
  delivery: Delivery,
  attempt: ImportAttempt | undefined,
): void {
  const { meeting, format, archive, source } = delivery;
  const published = join(root, server.published, source);
  const files = readFiles(published);
  const longest = Math.max(...files.map((file) => Buffer.byteLength(`${source}/${file}`)));
  const stored = pilos.format(meeting.id, format);
  const isWhole = stored?.isPlayable === true && stored.digest === contentDigest(published);
  const isRefused = attempt?.result === 'refused' && pilos.refused().includes(basename(archive));
  const what =
    attempt?.result === 'imported'
      ? `${files.length} files, the longest path has ${longest} bytes`
      : `${attempt?.result ?? 'not there'}${attempt?.reason ? `, PILOS has ${attempt.reason}` : ''}`;
  check(meeting.isKnown ? isWhole : isRefused, `${shorten(archive, root)}: ${what}`);
}

/** Paths of all files below a directory, relative to it. */
function readFiles(directory: string): string[] {
  const all = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile());
  return files.map((file) => join(file.parentPath, file.name).slice(directory.length + 1));
}

async function demonstrate(root: string, distDirectory: string): Promise<void> {
  const group = server.createServer(root, distDirectory);
  showServer();
  await callAsBbb(root);
  showSpool(root, group);
  showLog(root);
  await showImport(root);
  await runTimer(root, distDirectory);
  await askStatus(root, distDirectory);
  say(
    failedChecks() === 0
      ? green('\nPILOS has everything but one recording, which it refused: it does not know its meeting.')
      : red(`\nNot as it should be: ${failedChecks()}, marked ✗.`),
  );
}

const distDirectory = resolve(process.argv[2] ?? outputDirectory);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => {
    interruptedBy = name;
    running?.kill(name);
  });
}
let hasFailed = false;
const root = mkdtempSync(join(tmpdir(), 'pilos-demo-'));
try {
  if (!existsSync(join(distDirectory, programName))) throw new Error(`run 'make build' first`);
  await demonstrate(root, distDirectory);
} catch (error) {
  hasFailed = true;
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
process.exitCode = hasFailed || failedChecks() > 0 ? 1 : 0;
