/** What the build knows about this project: where it lies, its version, its commit, its Node. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const programName = 'pilos-post-publish';
export const projectDirectory = resolve(import.meta.dirname, '..');
export const outputDirectory = join(projectDirectory, 'dist');
/** Everything that a later build can use again; `make clean` removes it. */
export const cacheDirectory = join(outputDirectory, '.build');

export const architectures = ['x64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** What goes into the executable; a change elsewhere (a README, a test) leaves it as it was. */
export const sources = ['hook', 'build', 'examples', 'package.json', 'package-lock.json', 'tsconfig.json'];

interface PackageJson {
  version: string;
  optionalDependencies: Record<string, string>;
}

function readPackageJson(): PackageJson {
  return JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')) as PackageJson;
}

export function readVersion(): string {
  return readPackageJson().version;
}

/** The npm package that holds Node's own Linux executable, and the version that package.json pins. */
export function readNodePackage(architecture: Architecture): { name: string; version: string } {
  const name = `node-linux-${architecture}`;
  const version = readPackageJson().optionalDependencies[name];
  if (version === undefined) throw new Error(`package.json: optionalDependencies does not pin '${name}'`);
  return { name, version };
}

/** `1f2e3d4c5b6a`, with `-dirty` when the sources differ from it; `unknown` outside of a git checkout. */
export function readCommit(): string {
  const given = process.env['SOURCE_COMMIT'];
  if (given) return given.replace(/^([0-9a-f]{12})[0-9a-f]+/, '$1');
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain', '--', ...sources) === '' ? commit : `${commit}-dirty`;
  } catch {
    return 'unknown';
  }
}

/** What is dated in a build: SOURCE_DATE_EPOCH, else the commit, so that building it again gives the same bytes. */
export function readSourceDate(): Date {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given && /^\d+$/.test(given)) return new Date(Number(given) * 1000);
  try {
    return new Date(Number(git('log', '-1', '--format=%ct')) * 1000);
  } catch {
    return statSync(join(projectDirectory, 'package.json')).mtime;
  }
}

function git(...words: string[]): string {
  // A container's build user is often not the owner of the checkout, which git refuses by default.
  const options = ['-c', 'safe.directory=*', '-C', projectDirectory];
  return execFileSync('git', [...options, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
    .toString()
    .trim();
}

/** The architecture of this machine, which is what `make build` builds for. */
export function hostArchitecture(): Architecture {
  return parseArchitecture(process.arch);
}

export function parseArchitecture(text: string): Architecture {
  const found = architectures.find((architecture) => architecture === text);
  if (found === undefined) {
    throw new Error(`no executable for architecture '${text}': one of ${architectures.join(', ')} is needed`);
  }
  return found;
}

/** To another file system, too. A rename is seen whole by whoever runs the old executable at this moment, and works while it runs. */
export function moveInto(made: string, output: string): void {
  const beside = `${output}.new-${process.pid}`;
  copyFileSync(made, beside);
  renameSync(beside, output);
}
