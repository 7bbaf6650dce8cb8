/** Text from outside, made safe for a line of a log or a terminal. */
import { ExpectedError } from '../errors.ts';

const issueTracker = 'https://github.com/THM-Health/PILOS/issues';

/** Makes text from outside safe for one line of a log or terminal: `a\nb` becomes `a\x0ab`. */
export function escapeText(text: string): string {
  if (isPlain(text)) return text;
  // Controls, line and paragraph separators, and the marks that turn or hide text on a terminal.
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFD]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** True for a line break too. */
export function hasControlCharacter(text: string): boolean {
  return !isPlain(text) && /\p{Cc}/u.test(text);
}

/** Printable ASCII, as most texts are: patterns with classes of Unicode take up to half a millisecond to set up. */
function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

/** A value from outside, quoted and escaped, and cut so that it cannot fill the log. */
export function quote(value: string): string {
  const escaped = escapeText(value);
  return `'${escaped.length > 200 ? `${escaped.slice(0, 200)}…` : escaped}'`;
}

/** An error on one line: what is wrong, and what to do. */
export function describeError(error: unknown): string {
  const { message, fix } = errorDocument(error);
  return `${message}: ${fix}`;
}

export interface ErrorDocument {
  code: string;
  message: string;
  /** Each of several things that are wrong. */
  problems?: string[];
  fix: string;
}

/** An error as `--json` prints it. */
export function errorDocument(error: unknown): ErrorDocument {
  if (error instanceof ExpectedError) {
    const { code, message, fix, problems } = error;
    const several = problems.length > 1 ? { problems: problems.map(escapeText) } : {};
    return { code, message: escapeText(message), ...several, fix: escapeText(fix) };
  }
  const message = escapeText(`a bug in pilos-post-publish: ${String(error)}`);
  return { code: 'bug', message, fix: `report it with the lines above at ${issueTracker}` };
}
