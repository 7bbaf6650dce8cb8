/** How `check` is shown: lines with a mark in groups, and one line that sums up. Pure. */
import { EXIT, type ExitStatus } from '../errors.ts';
import { type Finding, type FindingState, worstStatus } from './finding.ts';

export interface Appearance {
  /** Marks as signs; false: as letters, where the terminal may not know them. */
  isUnicode: boolean;
  isColoured: boolean;
  /** Only what is not in order. */
  isQuiet: boolean;
}

const marks: Record<FindingState, { sign: string; letter: string; colour: number }> = {
  ok: { sign: '✓', letter: '+', colour: 32 },
  warning: { sign: '!', letter: '!', colour: 33 },
  problem: { sign: '✗', letter: 'x', colour: 31 },
  skipped: { sign: '-', letter: '-', colour: 2 },
};

/** The whole text, with its last line break. */
export function renderReport(ranAs: string, findings: readonly Finding[], appearance: Appearance): string {
  const shown = findings.filter(({ state }) => !appearance.isQuiet || isAmiss(state));
  const lines: string[] = appearance.isQuiet ? [] : [`checked as ${ranAs}`];
  let group = '';
  for (const finding of shown) {
    if (finding.group !== group) lines.push('', emphasize(finding.group, 1, appearance));
    group = finding.group;
    lines.push(...renderFinding(finding, appearance));
  }
  const isNothingAmiss = shown.every(({ state }) => !isAmiss(state));
  if (appearance.isQuiet && isNothingAmiss) return '';
  return `${[...lines, '', renderSummary(findings)].join('\n').replace(/^\n/, '')}\n`;
}

function isAmiss(state: FindingState): boolean {
  return state === 'warning' || state === 'problem';
}

function renderFinding(finding: Finding, appearance: Appearance): string[] {
  const { sign, letter, colour } = marks[finding.state];
  const mark = emphasize(appearance.isUnicode ? sign : letter, colour, appearance);
  const lines = [`  ${mark} ${finding.looked_at}`];
  if (finding.problem !== undefined) lines.push(`      ${finding.problem}`);
  if (finding.fix !== undefined) {
    const where = finding.remedy_host === undefined ? 'mend it' : `mend it on ${finding.remedy_host}`;
    lines.push(`      ${where}: ${finding.fix}`);
  }
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
function renderSummary(findings: readonly Finding[]): string {
  const status = worstStatus(findings);
  const count = (state: FindingState) => findings.filter((finding) => finding.state === state).length;
  const number = (amount: number, noun: string) => `${amount} ${noun}${amount === 1 ? '' : 's'}`;
  const warnings = count('warning');
  const others = warnings === 0 ? '' : `, ${number(warnings, 'warning')}`;
  if (status === EXIT.ok) return `nothing is wrong${others}`;
  return `${number(count('problem'), 'problem')}${others}: begin with ${meanings[status]} (exit status ${status})`;
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
