/** How `check` is shown: lines with a mark in groups, and one line that sums up. Pure. */
import { EXIT, type ExitStatus } from '../errors.ts';
import type { CheckReport, CheckResult } from './table.ts';

export interface Appearance {
  /** Marks as signs; false: as letters, where the terminal may not know them. */
  isUnicode: boolean;
  isColoured: boolean;
  /** Only warnings and problems. */
  isQuiet: boolean;
}

const marks: Record<CheckResult['state'], { sign: string; letter: string; colour: number }> = {
  ok: { sign: '✓', letter: '+', colour: 32 },
  warning: { sign: '!', letter: '!', colour: 33 },
  problem: { sign: '✗', letter: 'x', colour: 31 },
  skipped: { sign: '-', letter: '-', colour: 2 },
};

/** The whole text, with its last line break. */
export function renderReport(ranAs: string, report: CheckReport, appearance: Appearance): string {
  const shown = report.results.filter(({ problem }) => !appearance.isQuiet || problem !== undefined);
  if (shown.length === 0) return '';
  const lines = appearance.isQuiet ? [] : [`checked as ${ranAs}`];
  let group = '';
  for (const result of shown) {
    if (result.group !== group) lines.push('', emphasize(result.group, 1, appearance));
    group = result.group;
    lines.push(...renderResult(result, appearance));
  }
  return `${[...lines, '', summarize(report)].join('\n').replace(/^\n/, '')}\n`;
}

function renderResult({ state, title, problem, fix }: CheckResult, appearance: Appearance): string[] {
  const { sign, letter, colour } = marks[state];
  const mark = emphasize(appearance.isUnicode ? sign : letter, colour, appearance);
  const lines = [`  ${mark} ${title}`];
  if (problem !== undefined) lines.push(`      ${problem}`);
  if (fix !== undefined) lines.push(`      fix: ${fix}`);
  return lines;
}

function emphasize(text: string, code: number, { isColoured }: Appearance): string {
  return isColoured ? `\u001b[${code}m${text}\u001b[0m` : text;
}

const meanings: Partial<Record<ExitStatus, string>> = {
  [EXIT.config]: 'the set-up',
  [EXIT.permission]: 'rights',
  [EXIT.spool]: 'the spool',
};

/** `2 problems, 1 warning: begin with the set-up (exit status 78)` */
function summarize({ results, exitStatus }: CheckReport): string {
  const count = (state: CheckResult['state'], noun: string) => {
    const number = results.filter((one) => one.state === state).length;
    return number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'}`];
  };
  const counts = [...count('problem', 'problem'), ...count('warning', 'warning')].join(', ');
  if (exitStatus === EXIT.ok) return counts === '' ? 'no problem' : `no problem, ${counts}`;
  return `${counts}: begin with ${meanings[exitStatus]} (exit status ${exitStatus})`;
}

/** What the terminal and the locale allow. */
export function chooseAppearance(
  environment: NodeJS.ProcessEnv,
  { isTerminal, isQuiet }: { isTerminal: boolean; isQuiet: boolean },
): Appearance {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  const isDumb = environment['TERM'] === 'dumb';
  return {
    isUnicode: /utf-?8/i.test(locale),
    isColoured: isTerminal && !isDumb && !environment['NO_COLOR'],
    isQuiet,
  };
}
