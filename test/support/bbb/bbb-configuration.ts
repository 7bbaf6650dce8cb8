/**
 * Directories and configuration files of a BBB server that sends its recordings to a PILOS: of a test's tree, a root
 * directory, a host of the fleet, the demo and the benchmark alike.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';

export interface BbbTreeOptions {
  /** Meeting ids follow from it; by default they differ from tree to tree. */
  seed?: string;
  /** The formats that this server makes, as `steps:` says. */
  formats?: string[];
  /** `steps:` verbatim, instead of those that follow from `formats`. */
  steps?: Record<string, string | string[]>;
  /** Text of `/etc/bigbluebutton/recording/recording.yml`; the file does not exist by default. */
  recordingYml?: string;
  /** `spool_dir` of `pilos.yml`; a mounted directory, `spoolDir` of the tree, by default. */
  spool?: string;
  /** Further keys of `pilos.yml`. */
  pilos?: Record<string, unknown>;
  /** Sub directories that exist in the spool. */
  subDirs?: string[];
}

export type BbbPaths = ReturnType<typeof describePaths>;

/** Where everything lies below a root directory; with `''`, as programs see it that have it for a root. */
export function describePaths(root: string) {
  const scriptsDir = `${root}/usr/local/bigbluebutton/core/scripts`;
  const etcDir = `${root}/etc/bigbluebutton/recording`;
  const varDir = `${root}/var/bigbluebutton`;
  return {
    root,
    scriptsDir,
    etcDir,
    varDir,
    postPublishDir: `${scriptsDir}/post_publish`,
    publishedDir: `${varDir}/published`,
    recordingDir: `${varDir}/recording`,
    logDir: `${root}/var/log/bigbluebutton`,
    workDir: `${varDir}/recording/pilos`,
    spoolDir: `${root}/mnt/pilos-spool`,
    bigbluebuttonYml: `${scriptsDir}/bigbluebutton.yml`,
    recordingYml: `${etcDir}/recording.yml`,
    pilosYml: `${etcDir}/pilos.yml`,
  };
}

export function makeDirectories(paths: BbbPaths, subDirs: readonly string[] = []): void {
  const { etcDir } = paths;
  const { postPublishDir, publishedDir, recordingDir, logDir, workDir, spoolDir } = paths;
  const states = ['published', 'processed'].map((state) => join(recordingDir, 'status', state));
  const raw = join(recordingDir, 'raw');
  const directories = [etcDir, postPublishDir, publishedDir, raw, logDir, workDir, spoolDir, ...states];
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  for (const subDir of ['', ...subDirs]) {
    mkdirSync(join(spoolDir, subDir), { recursive: true });
    // As PILOS' documentation should have it: setgid, so that archives get the spool's group.
    chmodSync(join(spoolDir, subDir), 0o2775);
  }
}

/** @param seen what the files say, where programs have another root directory */
export function writeConfiguration(paths: BbbPaths, options: BbbTreeOptions, seen = paths): void {
  const settings = {
    bbb_version: '3.0.9',
    raw_audio_src: '/var/freeswitch/meetings',
    notes_formats: ['etherpad', 'html', 'pdf'],
    redis_host: '127.0.0.1',
    redis_port: 6379,
    store_recording_status: false,
    steps: options.steps ?? stepsFor(options.formats ?? ['presentation']),
    log_dir: seen.logDir,
    events_dir: `${seen.varDir}/events`,
    recording_dir: seen.recordingDir,
    published_dir: seen.publishedDir,
    captions_dir: `${seen.varDir}/captions`,
    playback_host: 'bbb.example.org',
    playback_protocol: 'https',
  };
  replaceFile(paths.bigbluebuttonYml, dump(settings));
  if (options.recordingYml !== undefined) replaceFile(paths.recordingYml, options.recordingYml);
  const pilos = { work_dir: seen.workDir, spool_dir: options.spool ?? seen.spoolDir, ...options.pilos };
  replaceFile(paths.pilosYml, dump(pilos));
}

/** Not into the file that is there: it may have other names, as in the images of the fleet. */
function replaceFile(file: string, content: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, content);
}

/** `steps:` as BBB's packages write it: a single next step is a string, several are a list. */
function stepsFor(formats: readonly string[]): Record<string, string | string[]> {
  const process = formats.map((format) => `process:${format}`);
  return {
    archive: 'sanity',
    sanity: 'captions',
    captions: process.length === 1 ? process.join() : process,
    ...Object.fromEntries(formats.map((format) => [`process:${format}`, `publish:${format}`])),
  };
}
