/** What BBB's own configuration says: its directories, and the formats that it publishes. */
import * as v from 'valibot';
import { type Format, isFormat } from '../bbb/ids.ts';
import { ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { type ConfigChoice, chosenBbbFiles, defaultBbbFile, defaultBbbOverride } from './chosen-files.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { absolutePath, problemOf } from './schema.ts';
import { isMapping, readMapping } from './yaml-mapping.ts';

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
  publishSteps: Format[];
}

/** BBB merges its override at the top level only (`props.merge` in its Ruby library), and so do we. */
export function readBbbConfig(choice: ConfigChoice, environment: NodeJS.ProcessEnv): BbbConfig {
  const files = chosenBbbFiles(choice, environment);
  const mappings = new Map(files.map((file) => [file, readMapping(file)]));
  if (files.length === 1 && files[0] === defaultBbbFile) {
    const override = readMappingIfThere(defaultBbbOverride);
    if (override !== undefined) mappings.set(defaultBbbOverride, override);
  }
  return parseBbbConfig(mappings);
}

/**
 * BBB's files → what we use of their settings, merged; throws a ConfigError for an invalid one. The rest of them is
 * not for us to judge.
 */
export function parseBbbConfig(mappings: ReadonlyMap<string, Record<string, unknown>>): BbbConfig {
  const merged = Object.assign({}, ...mappings.values()) as Record<string, unknown>;
  const settings = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
  const result = v.safeParse(bbbSchema, settings);
  if (!result.success) throw new ConfigError(result.issues.map((issue) => problemIn(mappings, issue)));
  return {
    files: [...mappings.keys()],
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
export function parsePublishSteps(steps: unknown): Format[] {
  if (!isMapping(steps)) return [];
  const formats = new Set<Format>();
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

/** The last file that has the key is the one to correct. */
function problemIn(
  mappings: ReadonlyMap<string, Record<string, unknown>>,
  issue: v.BaseIssue<unknown>,
): ConfigProblem {
  const key = String(issue.path?.[0]?.key);
  const [file = ''] = [...mappings].findLast(([, mapping]) => Object.hasOwn(mapping, key)) ?? [];
  return problemOf(issue, file);
}

function readMappingIfThere(file: string): Record<string, unknown> | undefined {
  try {
    return readMapping(file);
  } catch (error) {
    if (error instanceof ExpectedError && errnoName(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}
