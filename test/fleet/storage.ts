/** Where the spools lie: one central file system that every host mounts, or a directory on each PILOS host. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Undo } from '../support/program/create-with-undo.ts';
import { runOrThrow, runProgram } from '../support/program/run-program.ts';
import type { Host } from './host.ts';
import { mountPoint, type Owner, spoolUser } from './image.ts';

export const centralSpool = `${mountPoint}/recordings-spool`;
export const pilosSpool = '/srv/pilos/storage/recordings-spool';

const root: Owner = { uid: 0, gid: spoolUser.gid };

export interface CentralStorage {
  mount(host: Host): Promise<void>;
  /** As when its network is cut: what is open there stays open, and nobody finds it any more. */
  unmount(host: Host): Promise<void>;
}

/** An ext4 in a file of so many bytes, which takes no more of the disk than is written. */
export async function createCentralStorage(
  undo: Undo,
  directory: string,
  bytes: number,
): Promise<CentralStorage> {
  const image = join(directory, 'storage.ext4');
  writeFileSync(image, '');
  await runOrThrow('truncate', ['--size', `${bytes}`, image]);
  await runOrThrow('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
  const { stdout } = await runOrThrow('losetup', ['--find', '--show', image]);
  const device = stdout.trim();
  undo(() => detach(device, image));
  return {
    mount: async (host) => {
      await host.runOrThrow(['mount', '-t', 'ext4', device, mountPoint]);
    },
    unmount: async (host) => {
      await host.runOrThrow(['umount', '--lazy', mountPoint]);
    },
  };
}

/** The hosts have been ended: the device goes with the last of their mounts. */
async function detach(device: string, image: string): Promise<void> {
  await runProgram('losetup', ['--detach', device]);
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if ((await runProgram('losetup', ['--associated', image])).stdout === '') return;
    await sleep(50);
  }
  throw new Error(`${device} is still in use: 'losetup --detach ${device}' when nothing uses it any more`);
}

/** Group pilos-spool and setgid, as the README says; `spool` as this machine sees it. */
export function makeSpool(spool: string, subDirs: readonly string[], owner = root): void {
  for (const directory of [spool, ...subDirs.map((name) => join(spool, name))]) {
    mkdirSync(directory, { recursive: true });
    chownSync(directory, owner.uid, owner.gid);
    chmodSync(directory, 0o2775);
  }
}
