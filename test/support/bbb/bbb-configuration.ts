/** Directories and configuration files of a BBB server that sends its recordings to a PILOS. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
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

export type BbbTreePaths = ReturnType<typeof makeDirectories>;

export function makeDirectories(root: string, subDirs: readonly string[]) {
  const scriptsDir = join(root, 'usr/local/bigbluebutton/core/scripts');
  const etcDir = join(root, 'etc/bigbluebutton/recording');
  const paths = {
    root,
    scriptsDir,
    postPublishDir: join(scriptsDir, 'post_publish'),
    publishedDir: join(root, 'var/bigbluebutton/published'),
    recordingDir: join(root, 'var/bigbluebutton/recording'),
    logDir: join(root, 'var/log/bigbluebutton'),
    workDir: join(root, 'var/bigbluebutton/recording/pilos'),
    spoolDir: join(root, 'mnt/pilos-spool'),
    bigbluebuttonYml: join(scriptsDir, 'bigbluebutton.yml'),
    recordingYml: join(etcDir, 'recording.yml'),
    pilosYml: join(etcDir, 'pilos.yml'),
  };
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
  return paths;
}

export function writeConfiguration(paths: BbbTreePaths, options: BbbTreeOptions): void {
  const settings = {
    bbb_version: '3.0.9',
    raw_audio_src: '/var/freeswitch/meetings',
    notes_formats: ['etherpad', 'html', 'pdf'],
    redis_host: '127.0.0.1',
    redis_port: 6379,
    store_recording_status: false,
    steps: options.steps ?? stepsFor(options.formats ?? ['presentation']),
    log_dir: paths.logDir,
    events_dir: join(paths.root, 'var/bigbluebutton/events'),
    recording_dir: paths.recordingDir,
    published_dir: paths.publishedDir,
    captions_dir: join(paths.root, 'var/bigbluebutton/captions'),
    playback_host: 'bbb.example.org',
    playback_protocol: 'https',
  };
  writeFileSync(paths.bigbluebuttonYml, dump(settings));
  if (options.recordingYml !== undefined) writeFileSync(paths.recordingYml, options.recordingYml);
  const pilos = { work_dir: paths.workDir, spool_dir: options.spool ?? paths.spoolDir, ...options.pilos };
  writeFileSync(paths.pilosYml, dump(pilos));
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
