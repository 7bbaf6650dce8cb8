/** hook/migrate/decide-pace.ts: when to send, when to wait, when to give up. */
import { describe, expect, it } from 'vitest';
import { decidePace, type Wait } from '../../../hook/migrate/decide-pace.ts';

const rules = { maxWaiting: 3, patience: 1000 };
const names = (...letters: string[]) => letters.map((letter) => `${letter}.tar`);
const since = (moment: number, ...letters: string[]): Wait => ({ names: names(...letters), since: moment });

describe('decidePace', () => {
  it.each([
    { here: names(), room: 3 },
    { here: names('a', 'b'), room: 1 },
  ])('lets so many be sent as have room beside $here', ({ here, room }) => {
    expect(decidePace(here, undefined, 0, rules)).toEqual({ step: 'send', room });
    expect(decidePace(here, since(0, 'a', 'b', 'c'), 5000, rules)).toEqual({ step: 'send', room });
  });

  it.each([[names('a', 'b', 'c')], [names('a', 'b', 'c', 'd', 'e')]])('begins to wait beside %j', (here) => {
    expect(decidePace(here, undefined, 70, rules)).toEqual({
      step: 'wait',
      wait: { names: here, since: 70 },
    });
  });

  it('waits on while nothing is taken, and gives up after the patience', () => {
    const before = since(100, 'a', 'b', 'c');
    expect(decidePace(names('a', 'b', 'c'), before, 1099, rules)).toEqual({ step: 'wait', wait: before });
    expect(decidePace(names('a', 'b', 'c'), before, 1100, rules)).toEqual({ step: 'give up' });
  });

  it('has patience anew when an archive was taken, though another has come in its place', () => {
    expect(decidePace(names('b', 'c', 'd'), since(100, 'a', 'b', 'c'), 2000, rules)).toEqual({
      step: 'wait',
      wait: since(2000, 'b', 'c', 'd'),
    });
  });

  it('does not take what others send for a sign of life', () => {
    const before = since(100, 'a', 'b', 'c');
    expect(decidePace(names('a', 'b', 'c', 'd'), before, 2000, rules)).toEqual({ step: 'give up' });
  });
});
