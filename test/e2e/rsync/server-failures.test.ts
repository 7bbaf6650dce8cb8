/** What goes wrong on the PILOS host itself: a full disk, a login shell that talks, an rsync that hangs. */
import { chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { type ProgramResult, runOrThrow } from '../../support/program/run-program.ts';
import { oneOfEach } from '../../support/program/test-size.ts';
import { makeSpoolDirectory, useRsyncHost } from '../../support/rsync/rsync-host.ts';
import {
  largeSize,
  useSenders,
  whenArrived,
  withoutResumeWarning,
} from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

/** rsync there may end before what it says about its disk has come over: then another try brings it. */
function withoutLostWords(result: ProgramResult): ProgramResult & { triesAgain: number } {
  const lost = /^.*rsync could not write to \S+ \(rsync: exit status \d+\); \d more tr(?:y|ies)\n/gm;
  const triesAgain = result.stderr.match(lost)?.length ?? 0;
  return { ...result, stderr: result.stderr.replace(lost, ''), triesAgain };
}

// In CI the two whose archive lies there under another name meanwhile, and under its own.
it.each(oneOfEach(2, ['ordinary', 'rrsync', 'rrsync-no-del'] as const))(
  'says that the disk there is full, leaves no archive, and delivers when there is room, with the key %s',
  async (key) => {
    const sender = createSender({ key, size: largeSize, retry: { attempts: 6, max_seconds: 60 } });
    await runOrThrow('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', sender.directory]);
    try {
      makeSpoolDirectory(host, sender.directory);
      const full = withoutLostWords(withoutResumeWarning(await sender.deliver(), key));
      expectRefused(full, 73, `the disk of ${host.server.hosts[key]} is full`, 'free some space there');
      expect(sender.rsyncRuns()).toBe((key === 'rrsync-no-del' ? 2 : 1) + full.triesAgain);
      expect(host.files().filter((name) => name.endsWith('.tar'))).toEqual([]);
      expect(sender.temporaryFiles()).toEqual([]);
      await runOrThrow('mount', ['-o', 'remount,size=16m', sender.directory]);
      expect((await sender.deliver()).status).toBe(0);
      expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
    } finally {
      await runOrThrow('umount', [sender.directory]);
    }
  },
);

it('says that the login shell there prints something, and does not try again', async () => {
  const profile = join(host.pilosUser.home, '.bashrc');
  const before = existsSync(profile) ? readFileSync(profile) : '';
  writeFileSync(profile, 'echo Welcome to PILOS\n');
  chownSync(profile, host.pilosUser.uid, host.pilosUser.gid);
  try {
    const sender = createSender({ retry: { attempts: 2, max_seconds: 60 } });
    expectRefused(await sender.deliver(), 78, 'prints something before rsync starts', '~/.bashrc');
    expect(sender.rsyncRuns()).toBe(1);
    expect(host.files()).toEqual(['instance1']);
  } finally {
    writeFileSync(profile, before);
  }
});

it('takes what the login shell there says on stderr for no failure', async () => {
  const profile = join(host.pilosUser.home, '.bashrc');
  const before = existsSync(profile) ? readFileSync(profile) : '';
  writeFileSync(profile, 'echo Permission denied: No space left on device >&2\n');
  try {
    expect(await createSender().deliver()).toMatchObject({ status: 0, stderr: '' });
  } finally {
    writeFileSync(profile, before);
  }
});

/** Undefined for a process that has ended since it was listed. */
function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

it('ends by itself when rsync there hangs, and then sends the rest', async () => {
  const sender = createSender({
    size: 20_000_000,
    rsync: ['--timeout=2', '--bwlimit=8m'],
    retry: { attempts: 2, max_seconds: 120 },
  });
  const running = sender.start();
  await whenArrived(sender.partial, 1_000_000);
  for (const pid of await host.server.sessionProcesses()) {
    if (nameOf(pid) === 'rsync') process.kill(pid, 'SIGSTOP');
  }
  const { status, stderr } = await running.result;
  await host.server.killConnections();
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringMatching(/^pilos-post-publish: the connection to \S+ is stalled .*; 1 more try\n$/),
  });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
});
