/** `pilos.yml` as parsed by YAML → settings; all that is wrong with it at once. */
import * as v from 'valibot';
import { quote } from '../terminal/escape.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { nearestKey } from './nearest-key.ts';
import { type PilosSettings, pilosKeys, pilosSchema, retryKeys } from './pilos-keys.ts';
import { problemOf } from './schema.ts';
import { isMapping } from './yaml-mapping.ts';

/** Scalelite's name for a key, and an earlier one that we had. */
const aliases: Record<string, string> = {
  delete_recording: 'delete_after_transfer',
  on_failure: 'notify',
};

/** `pilos.yml` as parsed by YAML → valid keys with their defaults; throws a ConfigError with every problem. */
export function parsePilos(mapping: Record<string, unknown>, file: string): PilosSettings {
  const problems: ConfigProblem[] = [];
  const known = knownKeys(mapping, Object.keys(pilosKeys), file, problems, '');
  const wanted = known['retry'];
  if (isMapping(wanted)) known['retry'] = knownKeys(wanted, Object.keys(retryKeys), file, problems, 'retry.');
  const result = v.safeParse(pilosSchema, known);
  for (const issue of result.issues ?? []) problems.push(problemOf(issue, file));
  if (result.success) problems.push(...unreachableSpools(result.output, file));
  if (result.success && problems.length === 0) return result.output;
  throw new ConfigError(problems);
}

/** No meeting can choose what `allowed_sub_dirs` lacks. */
function unreachableSpools({ allowed_sub_dirs: allowed, spool_dirs }: PilosSettings, file: string) {
  const unreachable = Object.keys(spool_dirs ?? {}).filter((name) => allowed?.includes(name) === false);
  return unreachable.map((name): ConfigProblem => {
    const key = `spool_dirs.${name}`;
    return { kind: 'invalid_value', file, key, message: `${file}: ${key} is not in allowed_sub_dirs` };
  });
}

function knownKeys(
  mapping: Record<string, unknown>,
  keys: string[],
  file: string,
  problems: ConfigProblem[],
  prefix: string,
): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(mapping)) {
    const key = Object.hasOwn(aliases, written) && prefix === '' ? (aliases[written] ?? written) : written;
    if (!keys.includes(key)) {
      const meant = nearestKey(key, keys);
      const question = meant === undefined ? '' : `, did you mean '${prefix}${meant}'?`;
      problems.push({
        kind: 'unknown_key',
        file,
        key: prefix + key,
        meant: meant === undefined ? undefined : prefix + meant,
        message: `${file}: unknown key ${quote(prefix + key)}${question}`,
      });
    } else if (value !== null) {
      known[key] = value;
    }
  }
  return known;
}
