/**
 * The bundle put into Node's executable by @yao-pkg/pkg (SEA mode): dist/pilos-post-publish.
 *
 *     node build/executable.ts [--arch x64|arm64] [--out DIRECTORY]
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { provideBaseExecutable } from './base-executable.ts';
import { bundle } from './bundle.ts';
import { injectBundle, planSeaConfiguration, startFiles } from './inject.ts';
import {
  type Architecture,
  cacheDirectory,
  hostArchitecture,
  moveInto,
  outputDirectory,
  parseArchitecture,
  programName,
  projectDirectory,
} from './project.ts';

const launcher = join(import.meta.dirname, 'launcher/pilos_post_publish.rb');

/** Builds `output`, or leaves it as it is when nothing that goes into it has changed. */
export async function buildExecutable(architecture: Architecture, output: string): Promise<void> {
  const started = performance.now();
  mkdirSync(cacheDirectory, { recursive: true });
  const code = await bundle();
  const base = provideBaseExecutable(architecture);
  const key = keyOf(code, basename(base), JSON.stringify(planSeaConfiguration()), readStart(), readLock());
  if (isUpToDate(output, key)) {
    report(`${output} is up to date`);
    return;
  }
  const workDirectory = mkdtempSync(join(cacheDirectory, 'executable-'));
  try {
    const made = await injectBundle(code, { architecture, base, workDirectory });
    chmodSync(made, 0o755);
    moveInto(made, output);
  } finally {
    rmSync(workDirectory, { recursive: true });
  }
  writeFileSync(stampOf(output), describeBuild(output, key));
  report(`${output} built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function isUpToDate(output: string, key: string): boolean {
  const stamp = stampOf(output);
  return (
    existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === describeBuild(output, key)
  );
}

function keyOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** What goes into the executable beside the bundle. */
function readStart(): string {
  return startFiles.map((file) => readFileSync(file, 'utf8')).join('\n');
}

/** The versions of what builds: esbuild and pkg decide about the bytes as well. */
function readLock(): string {
  return readFileSync(join(projectDirectory, 'package-lock.json'), 'utf8');
}

/** Size and time too: an executable that something else has put there is not the one that was built. */
function describeBuild(output: string, key: string): string {
  const { size, mtimeMs } = statSync(output);
  return JSON.stringify({ output, key, size, mtimeMs });
}

function stampOf(output: string): string {
  return join(cacheDirectory, `stamp-${keyOf(output).slice(0, 12)}.json`);
}

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One line: who runs make reads what is wrong, and the stack of a build script is not it. */
export function reportFailure(error: unknown): void {
  process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { arch: { type: 'string' }, out: { type: 'string' } } });
  const architecture = values.arch === undefined ? hostArchitecture() : parseArchitecture(values.arch);
  const directory = values.out === undefined ? outputDirectory : resolve(values.out);
  mkdirSync(directory, { recursive: true });
  await buildExecutable(architecture, join(directory, programName));
  copyFileSync(launcher, join(directory, basename(launcher)));
}

if (import.meta.main) await main().catch(reportFailure);
