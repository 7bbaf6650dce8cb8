/**
 * Feeds mutated files to the modules that read them, in a process of its own, which the test can end when it hangs:
 *
 *     node faults-fuzz-run.ts '{"target": "events.xml", "runs": 10000, "seed": 1}'
 *
 * Writes JSON to stdout: how many inputs, how many were refused, the slowest, and what went wrong.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readMeetingMetadata } from '../../../hook/bbb/metadata.ts';
import { readConfig } from '../../../hook/config/config.ts';
import { validateSubDir } from '../../../hook/config/sub-dir.ts';
import { EXIT, ExpectedError } from '../../../hook/errors.ts';
import { type FuzzTarget, mutated } from './fuzz.ts';

export interface FuzzReport {
  inputs: number;
  refused: number;
  /** Milliseconds. */
  slowest: number;
  /** What fast-check found, with the smallest input that shows it; empty when nothing. */
  failure: string;
}

const longest = 5000;
const { target, runs, seed } = JSON.parse(process.argv[2] ?? '{}') as {
  target: FuzzTarget;
  runs: number;
  seed: number;
};
const directory = mkdtempSync(join(tmpdir(), 'faults-fuzz-'));
const file = join(directory, target);
const bbb = join(directory, 'bigbluebutton.yml');
const report: FuzzReport = { inputs: 0, refused: 0, slowest: 0, failure: '' };

function read(): void {
  if (target === 'pilos.yml') {
    const { workDir, spool, logFile, retry } = readConfig({ config: file, bbbConfig: [bbb] }, {});
    const paths = [workDir, logFile, spool.kind === 'local' ? spool.path : '/'];
    for (const path of paths) if (!path.startsWith('/')) throw new Error(`relative path ${path}`);
    if (!Number.isFinite(retry.maxSeconds)) throw new Error(`retry ${retry.maxSeconds}`);
    return;
  }
  const isEvents = target === 'events.xml';
  const nowhere = join(directory, 'nowhere');
  const found = readMeetingMetadata(
    isEvents ? file : nowhere,
    () => [isEvents ? nowhere : file],
    () => undefined,
  );
  for (const value of [found.origin, found.subDir, found.meetingName])
    if (typeof value !== 'string') throw new Error(`${typeof value} instead of a text`);
  const subDir = validateSubDir(found.subDir, undefined);
  if (subDir.split('/').some((part) => part === '..' || part.startsWith('.') || part.startsWith('-')))
    throw new Error(`sub directory ${subDir}`);
}

function feed(input: Buffer): void {
  writeFileSync(file, input);
  report.inputs += 1;
  const began = performance.now();
  try {
    read();
  } catch (error) {
    if (!(error instanceof ExpectedError) || error.exitStatus === EXIT.bug) throw error;
    report.refused += 1;
  }
  const took = performance.now() - began;
  report.slowest = Math.max(report.slowest, Math.round(took));
  if (took > longest) throw new Error(`took ${took} ms`);
}

writeFileSync(bbb, 'steps: {archive: sanity}\n');
try {
  fc.assert(fc.property(mutated(target, directory), feed), { numRuns: runs, seed });
} catch (error) {
  report.failure = error instanceof Error ? `${error.message}\n${String(error.cause)}` : String(error);
}
rmSync(directory, { recursive: true });
process.stdout.write(JSON.stringify(report));
