import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Notification, runNotify } from '../../../hook/delivery/notify.ts';
import { ExpectedError } from '../../../hook/errors.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const failure: Notification = {
  event: 'failure',
  meetingId: 'm-1712758751753',
  recordId: 'm-1712758751753-1712758760000',
  format: 'video',
  destination: 'pilos@host:/spool',
  error: 'the disk is full: free some space',
  exitStatus: 73,
};

/** A command that writes its arguments and our variables to a file, each ended by a NUL. */
function recorder(...args: string[]): { command: string[]; read: () => string[] } {
  const file = `${directory.path}/notified`;
  const script = directory.write(
    'notify',
    `#!/bin/sh\n{ printf '%s\\0' "$@"; env -0 | grep -z ^PILOS_ | sort -z; } > '${file}'\n`,
    0o755,
  );
  return { command: [script, ...args], read: () => readFileSync(file, 'utf8').split('\0').slice(0, -1) };
}

describe('runNotify', () => {
  it('gives the command in its environment what happened', async () => {
    const { command, read } = recorder();
    await runNotify(command, failure);
    expect(read()).toEqual([
      '',
      'PILOS_POST_PUBLISH_DESTINATION=pilos@host:/spool',
      'PILOS_POST_PUBLISH_ERROR=the disk is full: free some space',
      'PILOS_POST_PUBLISH_EVENT=failure',
      'PILOS_POST_PUBLISH_EXIT_STATUS=73',
      'PILOS_POST_PUBLISH_FORMAT=video',
      'PILOS_POST_PUBLISH_MEETING_ID=m-1712758751753',
      'PILOS_POST_PUBLISH_RECORD_ID=m-1712758751753-1712758760000',
    ]);
  });

  it.each(['failure', 'refused', 'stuck', 'check', 'recovered'] as const)(
    'has the same variables for %s, also where it is about no recording',
    async (event) => {
      const { command, read } = recorder();
      await runNotify(command, { ...failure, event, meetingId: '', recordId: '', format: '' });
      const names = ['DESTINATION', 'ERROR', 'EVENT', 'EXIT_STATUS', 'FORMAT', 'MEETING_ID', 'RECORD_ID'];
      const [, ...variables] = read();
      expect(variables.map((variable) => variable.split('=')[0])).toEqual(
        names.map((name) => `PILOS_POST_PUBLISH_${name}`),
      );
      expect(variables).toContain('PILOS_POST_PUBLISH_MEETING_ID=');
    },
  );

  it.each(['$(touch hacked)', '`touch hacked`', "'; touch hacked; '", '%s "$HOME" *', 'ä 漢 😀'])(
    'passes %s on literally, as an argument and as a value: no shell looks at it',
    async (hostile) => {
      const { command, read } = recorder(hostile);
      await runNotify(command, { ...failure, error: hostile, destination: hostile });
      const [argument, destination, error] = read();
      expect(argument).toBe(hostile);
      expect(destination).toBe(`PILOS_POST_PUBLISH_DESTINATION=${hostile}`);
      expect(error).toBe(`PILOS_POST_PUBLISH_ERROR=${hostile}`);
      expect(existsSync('hacked')).toBe(false);
    },
  );

  it('does not take a line for a program', async () => {
    await expect(runNotify(['touch hacked'], failure)).rejects.toThrow(
      "notify 'touch hacked' cannot be run (ENOENT)",
    );
  });

  it.each([
    [['sh', '-c', 'echo no such mailbox >&2; exit 3'], "notify 'sh' ended with 3: 'no such mailbox'"],
    [['sh', '-c', 'kill -TERM $$'], "notify 'sh' ended with SIGTERM"],
    [['sh', '-c', 'exit 1'], "notify 'sh' ended with 1"],
    [['/'], "notify '/' cannot be run (EACCES)"],
  ])('says how %j ended', async (command, message) => {
    const running = runNotify(command, failure);
    await expect(running).rejects.toThrow(ExpectedError);
    await expect(running).rejects.toThrow(message);
  });

  it('escapes what the command says, and keeps no more than a line of it', async () => {
    const script = `printf '\\033[31mred\\nnext'; printf '\\033[31mred\\nnext' >&2; head -c 5000000 /dev/zero | tr '\\0' x >&2; exit 1`;
    const error = await runNotify(['sh', '-c', script], failure).catch((reason: unknown) => reason);
    expect((error as Error).message).toContain('\\x1b[31mred\\x0anext');
    expect((error as Error).message.length).toBeLessThan(400);
  });

  it('takes no success for a failure, however much is said', async () => {
    await runNotify(['sh', '-c', 'head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2'], failure);
  });

  it('kills a command that is out of time, and what it has started', async () => {
    const file = `${directory.path}/survived`;
    const script = `trap '' TERM; (sleep 3; touch '${file}') & sleep 60`;
    const begin = Date.now();
    await expect(runNotify(['sh', '-c', script], failure, 1)).rejects.toThrow("notify 'sh' took over 1 s");
    expect(Date.now() - begin).toBeLessThan(30_000);
    await sleep(3500);
    expect(existsSync(file)).toBe(false);
  });

  it('does not wait for what the command leaves in the background with its pipes open', async () => {
    const begin = Date.now();
    const file = `${directory.path}/pid`;
    await runNotify(['sh', '-c', `sleep 60 & echo $! >'${file}'`], failure);
    expect(Date.now() - begin).toBeLessThan(29_000);
    process.kill(Number(readFileSync(file, 'utf8')));
  });
});
