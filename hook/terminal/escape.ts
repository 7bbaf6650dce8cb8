/** Text from outside, made safe for a line of a log or a terminal. */
import { ExpectedError } from '../errors.ts';

// Controls, line and paragraph separators, and the marks that turn or hide text on a terminal.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFD]/gu;

/** Makes text from outside safe for one line of a log or terminal: `a\nb` becomes `a\x0ab`. */
export function escapeText(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** A value from outside, quoted and escaped, and cut so that it cannot fill the log. */
export function quote(value: string): string {
  const escaped = escapeText(value);
  return `'${escaped.length > 200 ? `${escaped.slice(0, 200)}…` : escaped}'`;
}

/** The one line that an error is told in: what is wrong, and what to do. */
export function describeError(error: unknown): string {
  if (error instanceof ExpectedError) return escapeText(`${error.message}: ${error.fix}`);
  return escapeText(`this is a bug in pilos-post-publish, please report it: ${String(error)}`);
}
