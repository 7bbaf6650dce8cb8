import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHostStates } from '../../../hook/spool/host-state.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const states = () => openHostStates(directory.path);

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

describe('the state of a host', () => {
  it('is its failure, for five minutes, and of no other host', () => {
    states().recordFailure('pilos', 'pilos cannot be reached');
    vi.advanceTimersByTime(299_000);
    expect(states().read('pilos')?.message).toBe('pilos cannot be reached');
    expect(states().read('other')).toBeUndefined();
    vi.advanceTimersByTime(2000);
    expect(states().read('pilos')).toBeUndefined();
  });

  it('is forgotten as soon as a try succeeds, also where nothing was noted', () => {
    states().recordFailure('pilos', 'pilos cannot be reached');
    states().recordSuccess('pilos');
    states().recordSuccess('other');
    expect(states().read('pilos')).toBeUndefined();
  });

  it('counts for nothing when the clock was set back', () => {
    states().recordFailure('pilos', 'pilos cannot be reached');
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(states().read('pilos')).toBeUndefined();
  });
});
