/** The BBB server that the benchmark works on, with recordings of given sizes. */
import { createCipheriv } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BbbPaths,
  describePaths,
  makeDirectories,
  writeConfiguration,
} from '../../test/support/bbb/bbb-configuration.ts';
import { writeMeeting } from '../../test/support/bbb/bbb-meeting.ts';

export interface Scene extends BbbPaths {
  /** For PILOS' script: everything in one file. */
  referenceSettings: string;
  /** Chooses our configuration files. */
  environment: NodeJS.ProcessEnv;
  setSpool(spoolDir: string, extraRsyncOptions?: string[]): void;
  /** As if nothing had ever been delivered: what the ledger knows is not sent again. */
  startOver(): void;
  remove(): void;
}

export function createScene(parent: string, name = `bench-${process.pid}`): Scene {
  const root = join(parent, name);
  const paths = describePaths(root);
  const { spoolDir, workDir } = paths;
  makeDirectories(paths);
  const referenceSettings = join(root, 'reference.yml');
  const setSpool = (spool: string, extraRsyncOptions: string[] = []) => {
    const pilos = { extra_rsync_opts: extraRsyncOptions, retry: { attempts: 1 } };
    writeConfiguration(paths, { spool, pilos });
    const reference = {
      ...{ published_dir: paths.publishedDir, recording_dir: paths.recordingDir, log_dir: paths.logDir },
      ...{ work_dir: workDir, spool_dir: spool, extra_rsync_opts: extraRsyncOptions },
      log_file: join(paths.logDir, 'reference.log'),
    };
    writeFileSync(referenceSettings, JSON.stringify(reference));
  };
  setSpool(spoolDir);
  return {
    ...paths,
    referenceSettings,
    environment: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PILOS_POST_PUBLISH_CONFIG: paths.pilosYml,
      PILOS_POST_PUBLISH_BBB_CONFIG: paths.bigbluebuttonYml,
    },
    setSpool,
    startOver() {
      for (const name of readdirSync(spoolDir)) rmSync(join(spoolDir, name), { recursive: true });
      rmSync(join(paths.workDir, 'ledger'), { recursive: true, force: true });
      const published = join(paths.recordingDir, 'status/published');
      for (const name of readdirSync(published))
        if (name.endsWith('-sender.done')) rmSync(join(published, name));
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A meeting id of BBB's form; the number makes it unique. */
export function meetingId(number: number): string {
  return `${number.toString(16).padStart(40, '0')}-${1_700_000_000_000 + number}`;
}

/** Writes `raw/<id>/events.xml` of so many bytes, with the metadata at its beginning as BBB has it. */
export function addEvents(scene: Scene, id: string, origin: string, bytes: number): void {
  writeMeeting(scene, id, { id, origin, formats: [], eventsSize: bytes });
}

/** Publishes a format: what BBB always has, and files of the given numbers of bytes, of random content. */
export function addPublished(
  scene: Scene,
  id: string,
  sizes: readonly number[],
  format = 'presentation',
): string {
  const meeting = writeMeeting(scene, id, { id, formats: [format], eventsXml: false });
  const directory = meeting.published(format);
  mkdirSync(join(directory, 'files'));
  for (const [index, size] of sizes.entries())
    writeRandom(join(directory, 'files', `slide-${index}.png`), size, index);
  return directory;
}

/** Random bytes, the same ones in each run: nothing can be compressed, nor be found twice by rsync. */
function writeRandom(file: string, size: number, seed: number): void {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(seed);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(Math.min(size, 4_000_000));
  const descriptor = openSync(file, 'w');
  for (let left = size; left > 0; left -= zeros.length) {
    writeSync(descriptor, stream.update(left < zeros.length ? zeros.subarray(0, left) : zeros));
  }
  closeSync(descriptor);
}
