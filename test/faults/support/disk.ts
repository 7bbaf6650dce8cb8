/** File systems of the test's own: tmpfs and ext4 in a file, full, read-only, gone, or without power. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';
import type { Undo } from './undo.ts';

/** Mounts a tmpfs over an existing directory, unmounted afterwards. */
export async function mountTmpfs(undo: Undo, directory: string, options: string): Promise<void> {
  await runOrThrow('mount', ['-t', 'tmpfs', '-o', options, 'faults', directory]);
  undo(() => unmountAll(directory));
}

/** Unmounts what is on the directory, layer after layer, also while it is in use. */
async function unmountAll(directory: string): Promise<void> {
  for (let layers = 0; layers < 10; layers += 1) {
    if ((await runProgram('mountpoint', ['-q', directory])).status !== 0) return;
    await runOrThrow('umount', ['--lazy', directory]);
  }
}

export interface Disk {
  /** `commit` in seconds is how long ext4 may keep what is not synced in memory. */
  mount(): Promise<void>;
  /** Until nobody uses it any more, also when it was unmounted lazily. */
  unmount(): Promise<void>;
  /** Makes durable what is there: or else a power loss brings back what was deleted before. */
  sync(): Promise<void>;
  /** What reaches the disk from now on is nothing: EXT4_IOC_SHUTDOWN without flushing the journal. */
  cutPower(): Promise<void>;
}

/** Linux' EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH; Perl is there on every Debian, and starts at once. */
const shutdown = 'my $how = pack("L", 2); sysopen(F, shift, 0) && ioctl(F, 0x8004587d, $how) || die "$!"';

/** An ext4 of so many bytes in a file, mounted on an existing directory with the directory's own mode and owner. */
export async function createDisk(undo: Undo, directory: string, size: number): Promise<Disk> {
  const image = join(mkdtempSync(join(tmpdir(), 'faults-disk-')), 'image');
  undo(() => rmSync(join(image, '..'), { recursive: true, force: true }));
  writeFileSync(image, '');
  await runOrThrow('truncate', ['--size', `${size}`, image]);
  await runOrThrow('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
  const mount = async () => {
    // Nothing is written but what is synced, as far as ext4 lets us.
    await runOrThrow('mount', ['-o', 'loop,commit=300,noauto_da_alloc', image, directory]);
  };
  const unmount = async () => {
    await waitFor(async () => {
      if ((await runProgram('umount', [directory])).status === 0) return true;
      return (await runProgram('mountpoint', ['-q', directory])).status !== 0;
    });
    await waitFor(async () => {
      if ((await runOrThrow('losetup', ['--associated', image])).stdout === '') return true;
      await unmountElsewhere(directory);
      return false;
    });
  };
  undo(() => unmountAll(directory));
  await mount();
  await runOrThrow('chmod', ['2775', directory]);
  const sync = async () => {
    await runOrThrow('sync', ['--file-system', directory]);
  };
  await sync();
  return {
    ...{ mount, unmount, sync },
    cutPower: async () => {
      await runOrThrow('perl', ['-e', shutdown, directory]);
    },
  };
}

/** A mount namespace that another test has made meanwhile holds a copy, for as long as it lives: without one, no disk is free. */
async function unmountElsewhere(directory: string): Promise<void> {
  const own = readlinkSync('/proc/self/ns/mnt');
  const others = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      others.set(readlinkSync(`/proc/${pid}/ns/mnt`), pid);
    } catch {
      // It has ended.
    }
  }
  others.delete(own);
  for (const pid of others.values())
    await runProgram('nsenter', ['--target', pid, '--mount', 'umount', '--lazy', directory]);
}

/** @throws Error after a minute */
async function waitFor(isTrue: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await isTrue()); await sleep(50)) {
    if (Date.now() > deadline) throw new Error('the disk is in use and cannot be unmounted');
  }
}

/** Takes all the space that is left, in one file; the function that it returns gives it back. */
export async function fill(directory: string): Promise<() => void> {
  const file = join(directory, 'filler');
  await runProgram('sh', ['-c', 'cat /dev/zero > "$0"', file]);
  return () => rmSync(file, { force: true });
}

/** Resolves when a hidden temporary file is in the directory; rejects after half a minute. */
export async function whenTemporary(directory: string): Promise<string> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(2)) {
    const name = readdirSync(directory).find((file) => /^\..*\.tar\./.test(file));
    if (name !== undefined) return name;
  }
  throw new Error(`no temporary file has appeared in ${directory}`);
}
