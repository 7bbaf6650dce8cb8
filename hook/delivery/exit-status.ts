/** The exit status that results make; on its own, since BBB's call loads it before it knows whether there is work. */
import type { ExitStatus } from '../errors.ts';
import type { DeliveryResult } from './result.ts';

/** The exit status of the first result that has one. */
export function firstExitStatus(results: readonly DeliveryResult[]): ExitStatus | undefined {
  return results
    .map((result) => ('exit_status' in result ? result.exit_status : undefined))
    .find((status) => status !== undefined);
}
