/** The BBB server that the benchmark works on: directories, configuration and recordings of given sizes. */
import { createCipheriv } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface Scene {
  root: string;
  publishedDir: string;
  recordingDir: string;
  workDir: string;
  spoolDir: string;
  /** For PILOS' script: everything in one file. */
  referenceSettings: string;
  /** Chooses our configuration files. */
  environment: NodeJS.ProcessEnv;
  setSpool(spoolDir: string, extraRsyncOptions?: string[]): void;
  emptySpool(): void;
  remove(): void;
}

export function createScene(parent: string, name = `bench-${process.pid}`): Scene {
  const root = join(parent, name);
  const at = (name: string) => join(root, name);
  for (const name of ['published', 'recording/raw', 'recording/status/published', 'log', 'work', 'spool']) {
    mkdirSync(at(name), { recursive: true });
  }
  const directories = { published_dir: at('published'), recording_dir: at('recording'), log_dir: at('log') };
  const steps = { archive: 'publish:presentation' };
  writeFileSync(at('bigbluebutton.yml'), JSON.stringify({ ...directories, steps }));
  const setSpool = (spoolDir: string, extraRsyncOptions: string[] = []) => {
    const pilos = { work_dir: at('work'), spool_dir: spoolDir, extra_rsync_opts: extraRsyncOptions };
    writeFileSync(at('pilos.yml'), JSON.stringify({ ...pilos, retry: { attempts: 1 } }));
    writeFileSync(
      at('reference.yml'),
      JSON.stringify({ ...directories, ...pilos, log_file: at('log/reference.log') }),
    );
  };
  setSpool(at('spool'));
  return {
    root,
    publishedDir: at('published'),
    recordingDir: at('recording'),
    workDir: at('work'),
    spoolDir: at('spool'),
    referenceSettings: at('reference.yml'),
    environment: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PILOS_POST_PUBLISH_CONFIG: at('pilos.yml'),
      PILOS_POST_PUBLISH_BBB_CONFIG: at('bigbluebutton.yml'),
    },
    setSpool,
    emptySpool() {
      for (const name of readdirSync(at('spool'))) rmSync(join(at('spool'), name), { recursive: true });
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
  const directory = join(scene.recordingDir, 'raw', id);
  mkdirSync(directory, { recursive: true });
  const file = openSync(join(directory, 'events.xml'), 'w');
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<recording meeting_id="${id}" bbb_version="2.7.10">\n<meeting id="${id}" externalId="bench" name="Bench" breakout="false"/>\n<metadata isBreakout="false" meetingId="bench" meetingName="Bench" bbb-origin="${origin}" pilos-sub-spool-dir=""/>\n`;
  const event =
    '<event timestamp="123456" module="CHAT" eventname="PublicChatEvent"><sender>Ada</sender><message>Hello &amp; welcome</message><date>2024-04-10T12:34:56+00:00</date></event>\n';
  const many = event.repeat(5000);
  writeSync(file, head);
  for (let left = bytes - head.length; left > 0; left -= many.length)
    writeSync(file, many.slice(0, Math.ceil(left / event.length) * event.length));
  writeSync(file, '</recording>\n');
  closeSync(file);
}

/** Publishes a format: `metadata.xml`, and files of the given numbers of bytes, of random content. */
export function addPublished(
  scene: Scene,
  id: string,
  sizes: readonly number[],
  format = 'presentation',
): string {
  const directory = join(scene.publishedDir, format, id);
  mkdirSync(join(directory, 'files'), { recursive: true });
  const metadata = `<recording><id>${id}</id><state>published</state><published>true</published><start_time>1700000000000</start_time><end_time>1700003600000</end_time><meta><bbb-origin>PILOS</bbb-origin><pilos-sub-spool-dir/><meetingId>bench</meetingId><meetingName>Bench ${id.slice(30, 40)}</meetingName></meta><playback><format>${format}</format><link>https://bbb.example.org/playback/${format}/2.3/${id}</link></playback></recording>\n`;
  writeFileSync(join(directory, 'metadata.xml'), metadata);
  for (const [index, size] of sizes.entries())
    writeRandom(join(directory, 'files', `slide-${index}.png`), size, index);
  writeFileSync(join(scene.recordingDir, 'status/published', `${id}-${format}.done`), '');
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
