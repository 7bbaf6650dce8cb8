/** The error that something ends with, for a test that looks at more of it than its message. */
import { ExpectedError } from '../../../hook/errors.ts';

/** @throws Error when `action` throws nothing, or a bug */
export function expectedErrorOf(action: () => unknown): ExpectedError {
  try {
    action();
  } catch (error) {
    return asExpected(error);
  }
  throw new Error('it was to throw an ExpectedError, and threw nothing');
}

/** The same for a promise. */
export async function expectedRejectionOf(promise: Promise<unknown>): Promise<ExpectedError> {
  try {
    await promise;
  } catch (error) {
    return asExpected(error);
  }
  throw new Error('it was to be rejected with an ExpectedError, and was not rejected');
}

function asExpected(error: unknown): ExpectedError {
  if (error instanceof ExpectedError) return error;
  throw new Error('it was to end with an ExpectedError, and ended with something else', { cause: error });
}
