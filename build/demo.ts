/**
 * A recording's whole way, from BBB's call to what PILOS has imported, with three moments of an admin's year, on a
 * BBB server made for it in a temporary directory: `make demo`. Ends with status 1 when anything is not as it should be.
 *
 *     node build/demo.ts [DIRECTORY with the executable and its launcher]
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { contentDigest } from '../test/support/files/content-digest.ts';
import { createPilos, type Pilos } from '../test/support/pilos/pilos.ts';
import { check, failedChecks, green, heading, quoteLine, red, say } from './demo-screen.ts';
import * as server from './demo-server.ts';
import { outputDirectory, programName } from './project.ts';

const { late, refused } = server;
const own = server.meetings.filter(({ origin }) => origin === 'PILOS');
/** What must get to PILOS: path of the archive below the spool, and of the directory that it was made from. */
const deliveries = own.flatMap((meeting) =>
  meeting.formats.map((format) => ({
    ...{ meeting, format, source: `${format}/${meeting.id}` },
    archive: join(meeting.subDir, `${meeting.id}-${format}.tar`),
  })),
);
type Delivery = (typeof deliveries)[number];

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

/** Paths as on a real server, and meeting ids short enough for one line. */
function shorten(text: string, root: string): string {
  const id = late.id;
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

/** As BBB's worker calls the hook; returns what it printed, one text. */
async function callAsBbb(
  root: string,
  { id }: { id: string },
  format: string,
  expected = 0,
): Promise<string> {
  const words = [`${root}${server.launcher}`, '-m', id, '-f', format];
  const options = { cwd: `${root}${server.scripts}`, env: environmentOf(root) };
  const { status, output } = await run('ruby', words, options);
  check(status === expected, `-m ${shortId(id)} -f ${format.padEnd(12)}  exit status ${status}`);
  for (const line of output) quoteLine(`      ${shorten(line, root)}`);
  return output.join('\n');
}

/** A command of the admin's, or of the timer; returns what it printed, one text. */
async function runCommand(root: string, distDirectory: string, ...args: string[]): Promise<string> {
  const { status, output } = await run(join(distDirectory, programName), args, { env: environmentOf(root) });
  check(status === 0, `${programName} ${shorten(args.join(' '), root)}  exit status ${status}`);
  for (const line of output) quoteLine(`      ${shorten(line, root)}`);
  return output.join('\n');
}

function showServer(): void {
  heading('A BBB server has published', `below ${server.published}; ids are shortened here`);
  for (const { id, name, origin, subDir, formats } of server.meetings) {
    const wish = subDir === '' ? '' : `, sub directory ${subDir}`;
    say(`  ${shortId(id)}  ${name.padEnd(14)}  ${formats.join(', ').padEnd(19)}  from ${origin}${wish}`);
  }
}

async function callForEach(root: string): Promise<void> {
  heading('BBB calls the hook', `ruby ${server.launcher} -m ID -f FORMAT`);
  for (const meeting of server.meetings) {
    for (const format of meeting.formats) {
      if (meeting !== late || format !== 'video') await callAsBbb(root, meeting, format);
    }
  }
}

async function loseStorage(root: string, distDirectory: string): Promise<void> {
  heading(
    'Moment 1: the storage is away when BBB calls, and nothing is lost',
    'BBB gets a number, its log and the admin the reason; the timer delivers when the storage is back',
  );
  const [spool, away] = [join(root, server.spool), join(root, 'away')];
  renameSync(spool, away);
  const error = await callAsBbb(root, late, 'video', 73);
  check(error.includes(spool), 'the line names the directory, and what to do');
  renameSync(away, spool);
  const output = await runCommand(root, distDirectory, 'deliver');
  check(output.includes(`delivered ${late.id}-video.tar`), 'delivered without anybody');
}

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

/** One of PILOS for each sub directory. None knows the meeting of the refused recording yet. */
async function createInstances(root: string): Promise<Map<string, Pilos>> {
  const instances = new Map<string, Pilos>();
  for (const subDir of new Set(own.map((meeting) => meeting.subDir))) {
    const meetings = own.filter((one) => one.subDir === subDir && one !== refused);
    const places = { spool: join(root, server.spool, subDir), store: join(root, 'pilos', subDir) };
    const known = meetings.map(({ externalId }) => externalId);
    instances.set(subDir, await createPilos({ ...places, meetings: known }));
  }
  return instances;
}

async function showImport(root: string, instances: ReadonlyMap<string, Pilos>): Promise<void> {
  heading('PILOS imports', 'compared byte for byte with what BBB published; what it refuses lies in failed/');
  for (const [subDir, pilos] of instances) {
    await pilos.importOnce();
    if (interruptedBy !== undefined) throw new Error(`interrupted by ${interruptedBy}`);
    for (const delivery of deliveries.filter(({ meeting }) => meeting.subDir === subDir)) {
      if (delivery.meeting === refused) {
        const isRefused = pilos.refused().includes(basename(delivery.archive));
        check(isRefused, `${shorten(delivery.archive, root)}: refused, PILOS does not know its meeting`);
      } else showImported(root, pilos, delivery);
    }
  }
}

/** Whether PILOS has every byte of it. */
function showImported(root: string, pilos: Pilos, { meeting, format, archive, source }: Delivery): void {
  const published = join(root, server.published, source);
  const stored = pilos.format(meeting.id, format);
  const isWhole = stored?.isPlayable === true && stored.digest === contentDigest(published);
  check(isWhole, `${shorten(archive, root)}: ${readFiles(published).length} files, can be played`);
}

/** Paths of all files below a directory, relative to it. */
function readFiles(directory: string): string[] {
  const all = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile());
  return files.map((file) => join(file.parentPath, file.name).slice(directory.length + 1));
}

async function refuseOne(root: string, distDirectory: string, pilos: Pilos | undefined): Promise<void> {
  heading(
    'Moment 2: PILOS refuses a recording, and somebody sees it',
    'the timer finds out what became of each archive; what needs the admin has its reason and its fix',
  );
  await runCommand(root, distDirectory, 'deliver');
  const details = await runCommand(root, distDirectory, 'status', '-m', refused.id);
  const [fix] = /pilos-post-publish -m [0-9a-f-]+/.exec(details) ?? [];
  check(fix !== undefined, 'the fix is a command');
  say('\n  The room is restored in PILOS, and the command pasted:');
  await pilos?.knows(refused.externalId);
  await runCommand(root, distDirectory, ...(fix?.split(' ').slice(1) ?? []));
  await pilos?.importOnce();
  const output = await runCommand(root, distDirectory, 'deliver');
  check(output.includes(`PILOS has imported ${refused.id}-presentation.tar`), 'imported');
}

async function askForRecording(root: string, distDirectory: string): Promise<void> {
  heading(
    'Moment 3: a teacher asks for a recording',
    'by its name, or --room with the id of the room in PILOS',
  );
  await runCommand(root, distDirectory, 'status', '--name', late.name);
  const done = join(root, server.recording, `status/published/${late.id}-sender.done`);
  check(existsSync(done), 'PILOS has every format: only now the original may be deleted');
}

async function demonstrate(root: string, distDirectory: string): Promise<void> {
  const group = server.createServer(root, distDirectory);
  showServer();
  await callForEach(root);
  await loseStorage(root, distDirectory);
  showSpool(root, group);
  const instances = await createInstances(root);
  await showImport(root, instances);
  await refuseOne(root, distDirectory, instances.get(refused.subDir));
  await askForRecording(root, distDirectory);
  say(
    failedChecks() === 0
      ? green('\nPILOS has every recording, byte for byte.')
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
