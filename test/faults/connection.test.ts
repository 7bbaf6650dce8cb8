import { expect, it } from 'vitest';
import { sized } from '../support/program/test-size.ts';
import {
  checkCutTransfer,
  checkRetriedTransfer,
  checkStoppedAtTheEnd,
  checkStoppedBefore,
  freezeSessions,
  stopServer,
} from './support/link.ts';
import { startNetwork } from './support/network.ts';
import { shipped } from './support/program.ts';
import { keyKinds, type PilosHost, usePilosHost } from './support/ssh.ts';
import { type Undo, withUndo } from './support/undo.ts';

const timeout = 15 * 60_000;

const pilosHost = usePilosHost();

async function onHost(action: (host: PilosHost, undo: Undo) => Promise<string[]>): Promise<void> {
  await withUndo(async (undo) => {
    expect(await action(pilosHost(), undo)).toEqual([]);
  });
}

it.each(
  keyKinds
    .flatMap((key) => [0.1, 0.5, 0.99].map((at) => ({ key, at })))
    .filter(
      // In CI what is cut below is cut at half, with the ordinary key.
      ({ key, at }) => sized(0, 1) === 1 || { ordinary: 0, documented: 0.1, recommended: 0.99 }[key] === at,
    ),
)(
  'sends only the rest after sshd stopped at $at of the archive ($key key)',
  { timeout },
  async ({ key, at }) => {
    await onHost((host) =>
      checkCutTransfer(shipped, { host, key, at, cut: stopServer, what: 'sshd stopped' }),
    );
  },
);

it.each(keyKinds.slice(0, sized(1, 3)))(
  'sends the rest within the same call when only the connections are cut (%s key)',
  { timeout },
  async (key) => {
    await onHost((host) => checkRetriedTransfer(shipped, host, key));
  },
);

it('fails soon when sshd is stopped before, and the timer delivers', { timeout }, async () => {
  await onHost((host) => checkStoppedBefore(shipped, host));
});

it('ends with the archive or with a failure when sshd stops as the last byte has arrived', {
  timeout,
}, async () => {
  await onHost((host) => checkStoppedAtTheEnd(shipped, host, sized(1, 20)));
});

const impatient = { rsync: ['--timeout=3'] };

it.each(keyKinds.slice(0, sized(1, 3)))(
  'ends by itself when the other side hangs, and then sends the rest (%s key)',
  { timeout },
  async (key) => {
    await onHost((host) =>
      checkCutTransfer(shipped, {
        ...{ host, key, at: 0.5, cut: freezeSessions, options: impatient },
        what: 'the session hung',
      }),
    );
  },
);

it.each(keyKinds.slice(0, sized(1, 3)))(
  'ends by itself when the network drops every packet without a FIN, and then sends the rest (%s key)',
  { timeout },
  async (key) => {
    await onHost(async (host, undo) => {
      const network = await startNetwork(undo, host);
      const cut = async () => {
        await network.drop();
        return network.repair;
      };
      return await checkCutTransfer(shipped, {
        ...{ host, key, at: 0.5, cut, by: network.by, options: impatient },
        what: 'cut without a FIN',
      });
    });
  },
);
