/** What BBB's own configuration tells: its directories, and the formats that it publishes. */
import * as v from 'valibot';
import { isFormat } from '../bbb/ids.ts';
import { ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { type ConfigChoice, chosenBbbFiles, defaultBbbFile, defaultBbbOverride } from './chosen-files.ts';
import { absolutePath, describeIssue } from './schema.ts';
import { configError, isMapping, readMapping } from './yaml-mapping.ts';

const bbbSchema = v.object({
  published_dir: v.optional(absolutePath, '/var/bigbluebutton/published'),
  recording_dir: v.optional(absolutePath, '/var/bigbluebutton/recording'),
  log_dir: v.optional(absolutePath, '/var/log/bigbluebutton'),
});

export interface BbbConfig {
  files: string[];
  publishedDir: string;
  recordingDir: string;
  logDir: string;
  publishSteps: string[];
}

/** BBB merges its override at the top level only (`props.merge` in its Ruby library), and so do we. */
export function readBbbConfig(choice: ConfigChoice, environment: NodeJS.ProcessEnv): BbbConfig {
  const files = chosenBbbFiles(choice, environment);
  const merged: Record<string, unknown> = {};
  for (const file of files) Object.assign(merged, readMapping(file));
  const read = [...files];
  if (files.length === 1 && files[0] === defaultBbbFile) {
    const override = readMappingIfThere(defaultBbbOverride);
    if (override !== undefined) {
      Object.assign(merged, override);
      read.push(defaultBbbOverride);
    }
  }
  return parseBbbConfig(merged, read);
}

/** BBB's merged settings → what we use of them; throws an ExpectedError (78) for an invalid one. */
export function parseBbbConfig(merged: Record<string, unknown>, files: string[]): BbbConfig {
  const settings = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
  const result = v.safeParse(bbbSchema, settings);
  if (!result.success)
    throw configError(result.issues.map((issue) => describeIssue(issue, files.join(' with '))).join('; '));
  return {
    files,
    publishedDir: result.output.published_dir,
    recordingDir: result.output.recording_dir,
    logDir: result.output.log_dir,
    publishSteps: parsePublishSteps(settings['steps']),
  };
}

/**
 * The formats of all `publish:<format>` steps that are reachable from `archive`, as BBB's workers walk them.
 * Each value of `steps:` is one step or a list of steps.
 */
export function parsePublishSteps(steps: unknown): string[] {
  if (!isMapping(steps)) return [];
  const formats = new Set<string>();
  const seen = new Set<string>();
  const waiting = ['archive'];
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    if (seen.has(step)) continue;
    seen.add(step);
    const [, format] = /^publish:(.+)$/.exec(step) ?? [];
    if (format !== undefined && isFormat(format)) formats.add(format);
    const next = Object.hasOwn(steps, step) ? steps[step] : [];
    waiting.push(...[next].flat().filter((name) => typeof name === 'string'));
  }
  return [...formats].sort();
}

function readMappingIfThere(file: string): Record<string, unknown> | undefined {
  try {
    return readMapping(file);
  } catch (error) {
    if (error instanceof ExpectedError && errnoName(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}
