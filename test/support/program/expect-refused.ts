/** How a run must end that could not do its work: an exit status, and one line that helps. */
import { expect } from 'vitest';
import type { ProgramResult } from './run-program.ts';

/**
 * @param said what the one line on stderr must have in it: the offending value, and the fix
 */
export function expectRefused(
  { status, signal, stdout, stderr }: ProgramResult,
  expectedStatus: number,
  ...said: (string | RegExp)[]
): void {
  expect({ status, signal, stdout, stderr }).toEqual({
    status: expectedStatus,
    signal: null,
    stdout: '',
    // One line, without a control character: it comes from outside and goes to a terminal.
    stderr: expect.stringMatching(/^pilos-post-publish: [^\p{Cc}]+\n$/u),
  });
  for (const part of said) {
    if (typeof part === 'string') expect(stderr).toContain(part);
    else expect(stderr).toMatch(part);
  }
}
