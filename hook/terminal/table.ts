/** The lines of a table on stdout, for the terminal that is there or for a pipe. */
import { styleText } from 'node:util';
import { isTerminal, printOut } from './lines.ts';

export interface Layout {
  /** Columns of the terminal; undefined in a pipe, where nothing is cut. */
  width: number | undefined;
  colours: boolean;
}

export function readLayout(): Layout {
  if (!isTerminal(1)) return { width: undefined, colours: false };
  return { width: process.stdout.columns || 80, colours: process.stdout.hasColors() };
}

export type Style = Parameters<typeof styleText>[0];

export function style(format: Style, text: string, { colours }: Pick<Layout, 'colours'>): string {
  return colours ? styleText(format, text, { validateStream: false }) : text;
}

/** Not all at once, nor each with a system call of its own. */
export function printLines(lines: Iterable<string>): void {
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < 32_768) continue;
    printOut(text);
    text = '';
  }
  printOut(text);
}
