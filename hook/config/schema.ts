/** What the schemas of both configurations share, and how a value that does not fit is reported. */
import * as v from 'valibot';
import { hasControlCharacter, quote } from '../terminal/escape.ts';
import type { ConfigProblem } from './config-error.ts';
import { isMapping } from './yaml-mapping.ts';

export const nonEmpty = v.pipe(v.string('must be a text'), v.trim(), v.nonEmpty('is empty'));
export const pathThatMustBe = (what: string) =>
  v.pipe(
    nonEmpty,
    v.check((path) => path.startsWith('/') && !hasControlCharacter(path), `must be ${what}`),
  );
export const absolutePath = pathThatMustBe('an absolute path');

/** File, key, what it must be and what it is. */
export function problemOf(issue: v.BaseIssue<unknown>, file: string): ConfigProblem {
  const key = v.getDotPath(issue) ?? '';
  if (issue.received === 'undefined')
    return { kind: 'missing_key', file, key, message: `${file}: ${key} is missing` };
  const message = `${file}: ${key} ${issue.message}, but is ${describeValue(issue.input)}`;
  return { kind: 'invalid_value', file, key, message };
}

/** Lists and mappings are not written out: with YAML's aliases they can be endless. */
function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isMapping(value) ? 'a mapping' : quote(String(value));
}
