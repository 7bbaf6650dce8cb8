/** Lays out the files of the package in a directory and has dpkg-deb pack it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Architecture, cacheDirectory, programName, readSourceDate } from '../project.ts';
import { type PackagedFile, planContents } from './contents.ts';
import { debianArchitectures, formatControl } from './control.ts';

export interface PackageRequest {
  architecture: Architecture;
  executable: string;
  version: string;
  /** The directory for the package. */
  output: string;
  /** Options of dpkg-deb. xz's highest level takes minutes, and saves a tenth. */
  compression?: readonly string[];
}

/** Returns the path of the package. The same sources give the same bytes. */
export function buildPackage({
  architecture,
  executable,
  version,
  output,
  compression = ['-Zxz', '-z2'],
}: PackageRequest): string {
  mkdirSync(cacheDirectory, { recursive: true });
  const work = mkdtempSync(join(cacheDirectory, 'deb-'));
  try {
    const root = join(work, 'root');
    const files = planContents({ executable, version });
    for (const file of files) writeInto(root, file);
    const installedSize = measure(root);
    const control = formatControl({ architecture, version, installedSize });
    writeInto(root, { path: 'DEBIAN/control', mode: 0o644, content: control });
    writeInto(root, { path: 'DEBIAN/conffiles', mode: 0o644, content: listConfiguration(files) });
    writeInto(root, { path: 'DEBIAN/md5sums', mode: 0o644, content: listSums(root, files) });
    const scripts = join(import.meta.dirname, 'scripts');
    for (const name of readdirSync(scripts))
      writeInto(root, { path: `DEBIAN/${name}`, mode: 0o755, content: { copyOf: join(scripts, name) } });
    const name = `${programName}_${version}_${debianArchitectures[architecture]}.deb`;
    pack(root, join(work, name), compression);
    renameSync(join(work, name), join(output, name));
    return join(output, name);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function pack(root: string, output: string, compression: readonly string[]): void {
  const date = Math.floor(readSourceDate().getTime() / 1000);
  const options = ['--root-owner-group', ...compression];
  // Whatever is newer than this date gets it.
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(date) };
  execFileSync('dpkg-deb', [...options, '--build', root, output], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The modes are ours, whatever the umask. */
function writeInto(root: string, { path, mode, content }: PackagedFile): void {
  const file = join(root, path);
  makeDirectories(root, dirname(path));
  if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(file, content);
  else if ('copyOf' in content) copyFileSync(content.copyOf, file);
  else {
    // A link has no mode of its own.
    symlinkSync(content.linkTo, file);
    return;
  }
  chmodSync(file, mode);
}

function makeDirectories(root: string, path: string): void {
  if (path !== '.') makeDirectories(root, dirname(path));
  const directory = join(root, path);
  if (lstatSync(directory, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(directory);
  chmodSync(directory, 0o755);
}

/** KiB, as dpkg-gencontrol counts: each file rounded up, 1 for everything else. */
function measure(root: string): number {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const sizes = entries.map((entry) =>
    entry.isFile() ? Math.ceil(lstatSync(join(entry.parentPath, entry.name)).size / 1024) : 1,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function listConfiguration(files: PackagedFile[]): string {
  const paths = files.filter(({ isConfiguration }) => isConfiguration).map(({ path }) => `/${path}\n`);
  return paths.join('');
}

/** dpkg keeps those of configuration files itself. */
function listSums(root: string, files: PackagedFile[]): string {
  const summed = files.filter(
    ({ content, isConfiguration }) =>
      !isConfiguration && !(typeof content === 'object' && 'linkTo' in content),
  );
  const lines = summed.map(({ path }) => {
    const sum = createHash('md5')
      .update(readFileSync(join(root, path)))
      .digest('hex');
    return `${sum}  ${path}\n`;
  });
  return lines.sort((one, other) => (one.slice(34) < other.slice(34) ? -1 : 1)).join('');
}
