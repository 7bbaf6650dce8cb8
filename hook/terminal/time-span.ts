/** Spans of time as an admin writes them: `7d`, `12h`, `30m`, `2w`, or a date. */
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from './escape.ts';

const units: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The moment that lies `value` before `now`, in milliseconds since 1970; throws an ExpectedError (64) for anything else. */
export function parseMoment(option: string, value: string, now: number): number {
  const span = parseSpan(value, /^(\d{1,6})([mhdw])$/);
  if (span !== undefined) return now - span;
  const date = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?$/.test(value)
    ? Date.parse(value)
    : Number.NaN;
  if (!Number.isNaN(date)) return date;
  throw new ExpectedError(`${option} ${quote(value)} is neither a span of time nor a date`, {
    code: 'not_a_time',
    exitStatus: EXIT.usage,
    fix: 'write it as 30m, 12h, 7d, 2w or 2026-01-31',
  });
}

/** A span of time in milliseconds; throws an ExpectedError (64) for anything else. */
export function parseDuration(option: string, value: string): number {
  const span = parseSpan(value, /^(\d{1,6})([smhdw])$/);
  if (span !== undefined) return span;
  throw new ExpectedError(`${option} ${quote(value)} is not a span of time`, {
    code: 'not_a_time_span',
    exitStatus: EXIT.usage,
    fix: 'write it as 10s, 30m, 12h or 7d',
  });
}

/** Milliseconds; undefined when it has another form than `form`, which captures the count and the unit. */
function parseSpan(value: string, form: RegExp): number | undefined {
  const [, count, unit] = form.exec(value) ?? [];
  return count === undefined || unit === undefined ? undefined : Number(count) * (units[unit] ?? 0);
}
