/** hook/terminal/lines.ts: what is printed arrives whole, however slowly it is read. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startChildNode } from '../../support/program/child-node.ts';

it('prints all of a long document into a pipe that does not block and is not read for a while', async () => {
  const { child, result } = startChildNode(
    // Node makes the pipe non-blocking when somebody asks for its stream.
    "process.stdout.isTTY; (await hook('terminal/lines')).printOut('x'.repeat(1_000_000));",
  );
  child.stdout.pause();
  const ended = once(child, 'exit').then(() => 'ended');
  // As long as nobody reads, it has to wait.
  expect(await Promise.race([ended, sleep(3000, 'waits')])).toBe('waits');
  child.stdout.resume();
  expect((await result).stdout.match(/x+/)?.[0]).toHaveLength(1_000_000);
});
