/** May the next archive be sent, beside those that PILOS has not taken yet? Pure. */

export interface PaceRules {
  /** Archives that may lie in the spool. */
  maxWaiting: number;
  /** Milliseconds after each archive, where the spool cannot be read. */
  pause: number;
  /** Milliseconds that we wait for PILOS to take one. */
  patience: number;
}

/** The archives that lay there when it was last asked, and since when none of them has gone. */
export interface Wait {
  names: readonly string[];
  since: number;
}

type Decision = { step: 'send'; room: number } | { step: 'wait'; wait: Wait } | { step: 'give up' };

/**
 * What to do when `names` lie in the spool.
 *
 * @param before what was found the last time, when we were waiting already
 * @param now milliseconds since 1970
 */
export function decidePace(
  names: readonly string[],
  before: Wait | undefined,
  now: number,
  rules: Pick<PaceRules, 'maxWaiting' | 'patience'>,
): Decision {
  if (names.length < rules.maxWaiting) return { step: 'send', room: rules.maxWaiting - names.length };
  // Others may send to the same spool: what comes says nothing about PILOS, what goes does.
  const isTaken = before?.names.some((name) => !names.includes(name)) ?? true;
  if (before === undefined || isTaken) return { step: 'wait', wait: { names, since: now } };
  if (now - before.since >= rules.patience) return { step: 'give up' };
  return { step: 'wait', wait: { names, since: before.since } };
}
