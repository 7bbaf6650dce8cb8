/** The disk that every machine boots from: built once, and kept for later runs. */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrThrow } from '../../support/program/run-program.ts';

const sources = join(import.meta.dirname, '../image');
const day = 24 * 3_600_000;

/** A directory with `root.img` and the ssh key to it, `key`. Takes a minute or two when it is not cached. */
export async function provideImage(): Promise<string> {
  const cache = cacheDirectory();
  const directory = join(cache, hashOfSources());
  if (!existsSync(directory)) {
    process.stdout.write('building the image of the test machines: this takes a minute or two\n');
    await build(cache, directory);
  }
  const now = new Date();
  utimesSync(directory, now, now);
  removeUnused(cache);
  return directory;
}

/**
 * In memory, and in namespaces that end with this process: an interrupted build leaves nothing. Another run may need
 * the image at the same moment: the second one waits, and finds it built.
 */
async function build(cache: string, directory: string): Promise<void> {
  const script = `[ -e "$1" ] || {
    mount -t tmpfs -o size=3G tmpfs /mnt && mkdir /mnt/image && TMPDIR=/mnt "$2" /mnt/image &&
    rm -rf "$1.new" && cp --recursive --sparse=always /mnt/image "$1.new" && mv "$1.new" "$1"; }`;
  const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const args = ['flock', join(cache, 'lock'), 'sh', '-c', script, 'sh', directory, join(sources, 'build.sh')];
  await runOrThrow('setpriv', ['--pdeathsig', 'KILL', ...namespaces, ...args], {
    timeoutMilliseconds: 480_000,
  });
}

/** $XDG_CACHE_HOME, or ~/.cache; where neither can be written, the directory for temporary files. */
function cacheDirectory(): string {
  const inHome = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  for (const parent of [inHome, tmpdir()]) {
    const directory = join(parent, 'pilos-post-publish', 'machines');
    try {
      mkdirSync(directory, { recursive: true });
      accessSync(directory, constants.W_OK);
      return directory;
    } catch {
      // The next one.
    }
  }
  throw new Error(`neither ${inHome} nor ${tmpdir()} can be written`);
}

/** Of all that the image is made from: another kernel brings other modules. */
function hashOfSources(): string {
  const hash = createHash('sha256').update(readdirSync('/usr/lib/uml/modules').join());
  for (const name of readdirSync(sources).sort())
    hash.update(`\0${name}\0`).update(readFileSync(join(sources, name)));
  return hash.digest('hex').slice(0, 16);
}

/** Images of other versions of the sources, which no run has used for a week. */
function removeUnused(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry !== 'lock')) {
    const age = Date.now() - statSync(join(cache, name)).mtimeMs;
    if (age > 7 * day) rmSync(join(cache, name), { recursive: true });
  }
}
