/** Tries again what may pass: as often as `retry` in `pilos.yml` says, and while another transfer is under way. */
import { setTimeout } from 'node:timers/promises';
import pRetry from 'p-retry';
import { ExpectedError } from '../../errors.ts';
import type { SpoolWatcher } from '../spool.ts';
import { RsyncFailure } from './failure.ts';
import type { RsyncSpoolSettings } from './run-rsync.ts';

/** How much longer than `retry.max_seconds` we wait for rrsync's lock: another archive may take its time. */
const lockPatience = 5;

/** Runs `action` until it succeeds, or fails with what would fail again, or the tries of `retry` are used up. */
export function patiently<T>(
  settings: RsyncSpoolSettings,
  watcher: SpoolWatcher,
  action: () => Promise<T>,
): Promise<T> {
  return retrying(settings, watcher, () => whenUnlocked(settings, watcher, action));
}

function retrying<T>(
  settings: RsyncSpoolSettings,
  watcher: SpoolWatcher,
  action: () => Promise<T>,
): Promise<T> {
  return pRetry(action, {
    retries: settings.retry.attempts - 1,
    maxRetryTime: settings.retry.maxSeconds * 1000,
    minTimeout: 2000,
    randomize: true,
    signal: watcher.signal,
    shouldRetry: ({ error }) => error instanceof ExpectedError && error.retryable,
    onFailedAttempt: ({ error, retriesLeft, retryDelay }) => {
      const isRetried = error instanceof ExpectedError && error.retryable && retryDelay > 0;
      if (isRetried)
        watcher.warn(`${error.message}; ${retriesLeft} more ${retriesLeft === 1 ? 'try' : 'tries'}`);
    },
  });
}

/** Of several transfers at once rrsync refuses all but one: wait for our turn, without using up the retries. */
async function whenUnlocked<T>(
  settings: RsyncSpoolSettings,
  watcher: SpoolWatcher,
  action: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + settings.retry.maxSeconds * lockPatience * 1000;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof RsyncFailure && error.isLocked && Date.now() < deadline)) throw error;
      watcher.debug(`${error.message}: waiting`);
      await setTimeout(1000 + Math.random() * 2000, undefined, { signal: watcher.signal });
    }
  }
}
