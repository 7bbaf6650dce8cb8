/** How a run must end that could not do its work: an exit status, and one line that helps. */
import { expect } from 'vitest';
import type { ProgramResult } from './run-program.ts';

const line = /^pilos-post-publish: [^\p{Cc}]+\n$/u;
/** All problems of a configuration are reported at once. */
const lines = /^(?:pilos-post-publish: [^\p{Cc}]+\n)+$/u;

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
    // Without a control character: it comes from outside and goes to a terminal.
    stderr: expect.stringMatching(expectedStatus === 78 ? lines : line),
  });
  for (const part of said) {
    if (typeof part === 'string') expect(stderr).toContain(part);
    else expect(stderr).toMatch(part);
  }
}
