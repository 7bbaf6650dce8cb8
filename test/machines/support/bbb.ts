/** A BBB server: its directories, the package, recordings, and BBB's call. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { writeMeeting } from '../../support/bbb/bbb-meeting.ts';
import type { ProgramResult } from '../../support/program/run-program.ts';
import type { Machine } from './machine.ts';
import { packageFile } from './packages.ts';
import { makeSiteDirectory } from './site.ts';
import { mountPoint, spool } from './storage.ts';

export const bbbUser = 'bigbluebutton';
const scripts = '/usr/local/bigbluebutton/core/scripts';
export const workDirectory = '/var/bigbluebutton/recording/pilos';
export const pilosYml = '/etc/bigbluebutton/recording/pilos.yml';
export const published = '/var/bigbluebutton/published';
const recording = '/var/bigbluebutton/recording';
const log = '/var/log/bigbluebutton';

export interface Recording {
  id: string;
  format: string;
  /** Published there. */
  directory: string;
  /** Name of its archive in the spool. */
  archive: string;
}

/** As BBB's packages leave it, with a pilos.yml for the mounted spool. */
export async function setUpBbb(bbb: Machine): Promise<void> {
  const steps = { archive: ['publish:presentation', 'publish:video'] };
  const directories = { published_dir: published, recording_dir: recording, log_dir: log };
  await putFiles(bbb, { [`${scripts}/bigbluebutton.yml`]: dump({ ...directories, steps }) });
  await configure(bbb);
  await bbb.ask(`mkdir -p ${scripts}/post_publish ${published} ${log} ${recording}/status/published \
      ${recording}/status/processed && chown -R ${bbbUser}: /var/bigbluebutton ${log}`);
}

export async function installPackage(bbb: Machine, version?: string): Promise<void> {
  const directory = makeSiteDirectory(bbb.site);
  copyFileSync(packageFile(version), join(directory, 'pilos-post-publish.deb'));
  await bbb.copy(directory, '/root');
  rmSync(directory, { recursive: true });
  // The image leaves documentation out.
  const documentation = "--path-include='/usr/share/doc/pilos-post-publish/*'";
  await bbb.ask(`dpkg ${documentation} --install /root/pilos-post-publish.deb && sync`, { seconds: 180 });
}

/** @param settings of pilos.yml that differ from the usual ones */
export async function configure(bbb: Machine, settings: object = {}): Promise<void> {
  const usual = { work_dir: workDirectory, spool_dir: spool, require_mount: mountPoint };
  await putFiles(bbb, { [pilosYml]: dump({ ...usual, ...settings }) });
}

async function putFiles(machine: Machine, files: Record<string, string>): Promise<void> {
  const directory = makeSiteDirectory(machine.site);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  await machine.copy(directory, '/');
  rmSync(directory, { recursive: true });
}

/** A meeting that BBB published two hours ago, with a video of so many megabytes. */
export async function publish(bbb: Machine, megabytes = 1): Promise<Recording> {
  const format = 'presentation';
  const local = makeSiteDirectory(bbb.site);
  const directories = { publishedDir: join(local, 'published'), recordingDir: join(local, 'recording') };
  const { id } = writeMeeting(directories, randomBytes(8).toString('hex'), {});
  await bbb.copy(local, '/var/bigbluebutton');
  rmSync(local, { recursive: true });
  const directory = `${published}/${format}/${id}`;
  const owned = `${directory} ${recording}/status ${recording}/raw/${id}`;
  await bbb.ask(`head -c ${megabytes}M /dev/urandom > ${directory}/video/webcams.webm
    chown -R ${bbbUser}: ${published} ${recording}
    find ${owned} -exec touch --date='2 hours ago' {} + && sync`);
  return { id, format, directory, archive: `${id}-${format}.tar` };
}

/** Those of earlier cases, which a run of the service would deliver, or find outdated, as well. */
export async function removeRecordings(bbb: Machine): Promise<void> {
  await bbb.ask(`rm -rf ${published}/* ${recording}/raw/* ${recording}/status/published/* ${workDirectory}/ledger
    systemctl reset-failed`);
}

/** As BBB's worker runs a post publish script. */
export function bbbCall({ id, format }: Recording): string {
  return `cd ${scripts} && exec ruby post_publish/pilos_post_publish.rb -m ${id} -f ${format} 2>&1`;
}

export function callAsBbb(bbb: Machine, one: Recording, seconds = 120): Promise<ProgramResult> {
  return bbb.run(bbbCall(one), { user: bbbUser, seconds });
}

/** The names and contents of all files below a directory, in one line. */
function digestOf(directory: string): string {
  return `cd ${directory} && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`;
}

/** Whether an archive has every byte of the recording. @param archive on `machine` */
export async function isWhole(
  bbb: Machine,
  one: Recording,
  machine: Machine,
  archive: string,
): Promise<boolean> {
  const unpack = `d=$(mktemp -d) && tar -x -f ${archive} -C $d && (${digestOf('$d/*/*')}) ; rm -rf $d`;
  const [expected, actual] = await Promise.all([bbb.ask(digestOf(one.directory)), machine.ask(unpack)]);
  return expected === actual;
}

export async function hasSenderDone(bbb: Machine, { id }: Recording): Promise<boolean> {
  const { status } = await bbb.run(`test -e ${recording}/status/published/${id}-sender.done`);
  return status === 0;
}
