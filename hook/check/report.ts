/** How `check` is shown: lines with a mark in groups, and one line that sums up. Pure. */
import { EXIT, type ExitStatus } from '../errors.ts';
import { type Layout, style } from '../terminal/table.ts';
import type { CheckReport } from './table.ts';

interface Appearance extends Pick<Layout, 'colours'> {
  /** Marks as signs; false: as letters, where the terminal may not know them. */
  isUnicode: boolean;
  /** Only warnings and problems. */
  isQuiet: boolean;
}

const marks = {
  ok: { sign: '✓', letter: '+', colour: 'green' },
  warning: { sign: '!', letter: '!', colour: 'yellow' },
  problem: { sign: '✗', letter: 'x', colour: 'red' },
  skipped: { sign: '-', letter: '-', colour: 'dim' },
} as const;

/** The whole text, with its last line break. */
export function renderReport(ranAs: string, report: CheckReport, appearance: Appearance): string {
  const shown = report.results.filter(({ problem }) => !appearance.isQuiet || problem !== undefined);
  if (shown.length === 0) return '';
  const lines = appearance.isQuiet ? [] : [`checked as ${ranAs}`];
  let last = '';
  for (const { group, state, title, problem, fix } of shown) {
    if (group !== last) lines.push('', style('bold', group, appearance));
    last = group;
    const { sign, letter, colour } = marks[state];
    lines.push(`  ${style(colour, appearance.isUnicode ? sign : letter, appearance)} ${title}`);
    if (problem !== undefined) lines.push(`      ${problem}`, `      fix: ${fix}`);
  }
  return `${[...lines, '', summarize(report)].join('\n').replace(/^\n/, '')}\n`;
}

const meanings: Partial<Record<ExitStatus, string>> = {
  [EXIT.config]: 'the set-up',
  [EXIT.permission]: 'rights',
  [EXIT.spool]: 'the spool',
};

/** `2 problems, 1 warning: begin with the set-up (exit status 78)` */
function summarize({ results, exitStatus }: CheckReport): string {
  const counts = (['problem', 'warning'] as const).flatMap((state) => {
    const number = results.filter((one) => one.state === state).length;
    return number === 0 ? [] : [`${number} ${state}${number === 1 ? '' : 's'}`];
  });
  if (exitStatus === EXIT.ok) return ['no problem', ...counts].join(', ');
  return `${counts.join(', ')}: begin with ${meanings[exitStatus]} (exit status ${exitStatus})`;
}

/** Whether the locale has more than letters. */
export function isUnicodeLocale(environment: NodeJS.ProcessEnv): boolean {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return /utf-?8/i.test(locale);
}
