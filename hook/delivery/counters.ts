/** What is counted for `metrics_file`, as `work_dir/metrics.json` keeps it. */

export interface FormatCounters {
  deliveries: number;
  failures: number;
  bytes: number;
  seconds: number;
  /** Seconds since 1970, 0 for never. */
  lastSuccess: number;
}

export interface Counters {
  formats: Record<string, FormatCounters>;
  /** Recordings of which a format is still to be delivered; undefined until `deliver` has gone through everything. */
  missing?: number | undefined;
  /** How many formats are in which state then, and how many recordings have one in it. */
  states?: Record<string, number> | undefined;
  recordings?: Record<string, number> | undefined;
  /** Since when the oldest archive waits in a spool, seconds since 1970, 0 for none. */
  oldestWaiting?: number | undefined;
  /** When `deliver` last went through everything, seconds since 1970. */
  lastRun?: number | undefined;
  /** What `check --notify` has found, and when. */
  problems?: CheckProblem[] | undefined;
  lastCheck?: number | undefined;
}

interface CheckProblem {
  /** The name of the check, which never changes. */
  check: string;
  state: string;
  count: number;
}

export function countersOf({ formats }: Counters, format: string): FormatCounters {
  formats[format] ??= { deliveries: 0, failures: 0, bytes: 0, seconds: 0, lastSuccess: 0 };
  return formats[format];
}

/** Takes over what is a count, and nothing else: the file may have been edited, or cut by a crash of the machine. */
export function parseCounters(read: unknown): Counters {
  const { formats, states, recordings, problems, ...gauges } = (read ?? {}) as Record<string, unknown>;
  // Without a prototype: a format may have any name.
  const counters: Counters = { formats: Object.create(null) as Counters['formats'] };
  for (const key of ['missing', 'oldestWaiting', 'lastRun', 'lastCheck'] as const)
    if (isCount(gauges[key])) counters[key] = gauges[key];
  if (states !== undefined) counters.states = parseCounts(states);
  if (recordings !== undefined) counters.recordings = parseCounts(recordings);
  if (Array.isArray(problems)) counters.problems = problems.filter(isCheckProblem);
  for (const [format, values] of Object.entries(formats ?? {}))
    Object.assign(countersOf(counters, format), parseCounts(values));
  return counters;
}

function parseCounts(read: unknown): Record<string, number> {
  return Object.fromEntries(
    Object.entries(read ?? {}).filter((entry): entry is [string, number] => isCount(entry[1])),
  );
}

function isCheckProblem(value: unknown): value is CheckProblem {
  const { check, state, count } = (value ?? {}) as Record<string, unknown>;
  return typeof check === 'string' && typeof state === 'string' && isCount(count);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
