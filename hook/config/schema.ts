/** What the schemas of both configurations share, and how a value that does not fit is told. */
import * as v from 'valibot';
import { quote } from '../terminal/escape.ts';
import { isMapping } from './yaml-mapping.ts';

export const nonEmpty = v.pipe(v.string('must be a text'), v.trim(), v.nonEmpty('is empty'));
export const pathThatMustBe = (what: string) =>
  v.pipe(
    nonEmpty,
    v.check((path) => path.startsWith('/') && !/\p{Cc}/u.test(path), `must be ${what}`),
  );
export const absolutePath = pathThatMustBe('an absolute path');

/** One line with file, key, what it must be and what it is. */
export function describeIssue(issue: v.BaseIssue<unknown>, file: string): string {
  const key = v.getDotPath(issue) ?? '';
  if (issue.received === 'undefined') return `${file}: ${key} is missing`;
  return `${file}: ${key} ${issue.message}, but is ${describeValue(issue.input)}`;
}

/** Lists and mappings are not written out: with YAML's aliases they can be endless. */
function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isMapping(value) ? 'a mapping' : quote(value instanceof Date ? value.toISOString() : String(value));
}
