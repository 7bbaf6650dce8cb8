/** The executable on a terminal of a given size, which `script` (util-linux) makes for it. */
import { join } from 'node:path';
import type { BbbTree } from '../bbb/bbb-tree.ts';
import { type ProgramOptions, type ProgramResult, runOrThrow, runProgram } from './run-program.ts';

export interface TerminalOptions extends ProgramOptions {
  columns: number;
  /** The disk takes 2 ms for each write. */
  slowWrites?: boolean;
}

/** What the terminal was sent, stdout and stderr together, is `stdout` of the result. */
export async function runOnTerminal(
  tree: BbbTree,
  args: readonly string[],
  { columns, slowWrites = false, ...program }: TerminalOptions,
): Promise<ProgramResult> {
  tree.installHook();
  const words = [join(tree.postPublishDir, 'pilos-post-publish'), ...args].map((word) => `'${word}'`);
  const delay = '-e trace=write,pwrite64 -e inject=write,pwrite64:delay_exit=2000';
  const trace = slowWrites ? `strace -f -o /dev/null ${delay} ` : '';
  const line = `stty cols ${columns} rows 50; ${trace}${words.join(' ')}`;
  const env = { ...tree.env, TERM: 'xterm-256color', ...program.env };
  const result = await runProgram('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    ...program,
    env,
  });
  return { ...result, stdout: result.stdout.replaceAll('\r\n', '\n') };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal is controlled with
const escapeSequence = /\x1b(?:\[[0-9;?]*[A-Za-z]|[78])/g;

/** What stood on the terminal's lines, one state after the other: a bar is drawn over and over in its line. */
export function shownStates(output: string): string[] {
  const states = withoutEscapes(output.replaceAll('\x1b[1G', '\r')).split(/[\r\n]/);
  return states.filter((line) => line.trim() !== '');
}

export function withoutEscapes(text: string): string {
  return text.replace(escapeSequence, '');
}

const measure = `
import sys, unicodedata
for line in sys.stdin.read().split('\\n'):
    widths = (0 if unicodedata.category(c) in ('Mn', 'Me', 'Cf') else 2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in line)
    print(sum(widths))
`;

/** Columns that each line takes, counted by Python's Unicode tables and not by the library that made them. */
export async function columnsOf(lines: readonly string[]): Promise<number[]> {
  const { stdout } = await runOrThrow('python3', ['-c', measure], {
    input: lines.join('\n'),
    env: { PYTHONUTF8: '1' },
  });
  return stdout.trim().split('\n').map(Number);
}
