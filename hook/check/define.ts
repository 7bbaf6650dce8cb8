/** What an entry in the table of checks is. */
import type { Group, Verdict } from './result.ts';

/** One entry: a name, and what it decides about some of the facts. */
export interface Check<Facts> {
  check: string;
  group: Group;
  subjects: (facts: Facts) => Subject[];
}

/** One thing that a check is about. */
interface Subject {
  title: () => string;
  /** Names of the checks whose problems have to be fixed first. */
  after: readonly string[];
  decide: () => Verdict;
}

export interface Definition<Facts, Part> {
  check: string;
  /** What the check is about; undefined: nothing here, so it is not listed. */
  of: (facts: Facts) => Part | undefined;
  title: string | ((part: Part, facts: Facts) => string);
  /** Skipped while one of these has a problem, or was skipped for one. */
  after?: readonly string[] | ((part: Part, facts: Facts) => readonly string[]);
  decide: (part: Part, facts: Facts) => Verdict;
}

/** @returns makes the entries of one group */
export function definer<Facts>(group: Group) {
  const each = <Part>({
    of,
    check,
    title,
    after = [],
    decide,
  }: Omit<Definition<Facts, Part>, 'of'> & { of: (facts: Facts) => readonly Part[] }): Check<Facts> => ({
    check,
    group,
    subjects: (facts) =>
      of(facts).map((part) => ({
        title: () => (typeof title === 'string' ? title : title(part, facts)),
        after: typeof after === 'function' ? after(part, facts) : after,
        decide: () => decide(part, facts),
      })),
  });
  const one = <Part>({ of, ...rest }: Definition<Facts, Part>): Check<Facts> =>
    each<Part>({
      ...rest,
      of: (facts) => {
        const part = of(facts);
        return part === undefined ? [] : [part];
      },
    });
  return { one, each };
}
