/**
 * What V8 has compiled of the program on the way that most of BBB's calls take, to "not from PILOS". Node's own code
 * cache has no function that is called later, and compiling those takes longer than running them.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const warmUp = join(import.meta.dirname, 'warm-up.cjs');
const meetingId = '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753';
/** BBB's user, where root builds: nobody. */
const someUser = 65534;

/** Around the bundle: a function of what a CommonJS file is given. */
export function wrapProgram(code: string): string {
  return `(function (require, module, __filename) {${code}\n})`;
}

/**
 * Runs the program, a file of what {@link wrapProgram} returns, and returns the code cache. The same each time: the seed
 * of V8's hash tables, in whose order it lies, is given.
 */
export function makeCodeCache(program: string, flags: readonly string[]): Buffer {
  // Not below the checkout: a network file system is another way through the program.
  const directory = mkdtempSync(join(tmpdir(), 'pilos-post-publish-build-'));
  try {
    const publishedDir = join(directory, 'published');
    const output = join(directory, 'code-cache');
    const environment = writeServer(directory, publishedDir);
    const call = ['-m', meetingId, '-f', 'presentation'];
    const words = ['--random-seed=1', ...flags, warmUp, program, output, publishedDir, ...call];
    execFileSync(process.execPath, words, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    return readFileSync(output);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** One value of each kind that BBB's own file has. */
const bbbSettings = `bbb_version: '3.0.9'
redis_port: 6379
store_recording_status: false
notes_formats:
  - etherpad
  - html
steps:
  archive: sanity
  sanity: captions
  captions:
    - process:presentation
    - process:video
  process:presentation: publish:presentation
  process:video: publish:video
`;

/** A BBB server with one meeting, of another front end. */
function writeServer(directory: string, publishedDir: string): NodeJS.ProcessEnv {
  const raw = join(directory, 'recording/raw', meetingId);
  for (const path of [publishedDir, raw]) mkdirSync(path, { recursive: true });
  if (process.getuid?.() === 0) chownSync(publishedDir, someUser, someUser);
  const pilosYml = join(directory, 'pilos.yml');
  const bbbYml = join(directory, 'bigbluebutton.yml');
  writeFileSync(
    pilosYml,
    `spool_dir: ${directory}/spool\nwork_dir: ${directory}/work\nlog_file: ${directory}/log\n`,
  );
  const directories = `recording_dir: ${directory}/recording\npublished_dir: ${publishedDir}\nlog_dir: ${directory}\n`;
  writeFileSync(bbbYml, bbbSettings + directories);
  writeFileSync(
    join(raw, 'events.xml'),
    `<?xml version="1.0"?>\n<recording meeting_id="${meetingId}" bbb_version="3.0.4">\n<metadata isBreakout="false" ` +
      'meetingId="demo" meetingName="Demo &amp; more" bbb-origin="Greenlight"/>\n</recording>\n',
  );
  return { PILOS_POST_PUBLISH_CONFIG: pilosYml, PILOS_POST_PUBLISH_BBB_CONFIG: bbbYml };
}
