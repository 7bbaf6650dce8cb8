/** The pinned Node.js executable of an architecture, stripped of its symbols: what the program is put into. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Architecture,
  cacheDirectory,
  hostArchitecture,
  projectDirectory,
  readNodePackage,
} from './project.ts';

/** ELF header, e_machine: what the executable runs on. */
const machineNumbers: Record<Architecture, number> = { x64: 62, arm64: 183 };

/** GNU strip understands only the architectures that it was built for. */
const foreignStrip: Record<Architecture, string> = {
  x64: 'x86_64-linux-gnu-strip',
  arm64: 'aarch64-linux-gnu-strip',
};

/** Returns the path of the stripped executable, made once for a version and kept in the cache. */
export function provideBaseExecutable(architecture: Architecture): string {
  const { version } = readNodePackage(architecture);
  const cached = join(cacheDirectory, `node-v${version}-linux-${architecture}`);
  if (existsSync(cached)) return cached;
  mkdirSync(cacheDirectory, { recursive: true });
  const workDirectory = mkdtempSync(join(cacheDirectory, 'base-'));
  try {
    const stripped = join(workDirectory, 'node');
    const strip = architecture === hostArchitecture() ? 'strip' : foreignStrip[architecture];
    execFileSync(strip, ['-o', stripped, provideStockExecutable(architecture, workDirectory)]);
    checkExecutable(stripped, architecture);
    renameSync(stripped, cached);
  } finally {
    rmSync(workDirectory, { recursive: true });
  }
  return cached;
}

/** npm installs the package of the machine's own architecture only; the other one is fetched here. */
function provideStockExecutable(architecture: Architecture, workDirectory: string): string {
  const { name } = readNodePackage(architecture);
  const installed = join(projectDirectory, 'node_modules', name, 'bin/node');
  return existsSync(installed) ? installed : fetchStockExecutable(architecture, workDirectory);
}

function fetchStockExecutable(architecture: Architecture, workDirectory: string): string {
  const { name, version } = readNodePackage(architecture);
  const options = ['--loglevel=error', '--pack-destination', workDirectory];
  // When it fails, npm itself says why.
  execFileSync('npm', ['pack', `${name}@${version}`, ...options], {
    cwd: workDirectory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const archive = join(workDirectory, `${name}-${version}.tgz`);
  checkIntegrity(archive, name);
  execFileSync('tar', ['--extract', '--file', archive, '--directory', workDirectory, 'package/bin/node']);
  return join(workDirectory, 'package/bin/node');
}

/** `npm pack` trusts what the registry says today; package-lock.json says what was reviewed. */
function checkIntegrity(archive: string, name: string): void {
  const lock = JSON.parse(readFileSync(join(projectDirectory, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  const expected = lock.packages[`node_modules/${name}`]?.integrity;
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== expected) {
    throw new Error(`${archive}: integrity ${found}, but package-lock.json has ${expected ?? 'none'}`);
  }
}

/** A base that cannot carry the program is reported here, not on an admin's server. */
function checkExecutable(path: string, architecture: Architecture): void {
  const bytes = readFileSync(path);
  if (bytes.readUInt16LE(18) !== machineNumbers[architecture]) {
    throw new Error(`${path}: not an executable for ${architecture}`);
  }
  // The mark that Node looks at to know whether a program was put into it.
  if (!bytes.includes('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:0')) {
    throw new Error(`${path}: this Node.js cannot carry a program (no SEA fuse)`);
  }
  if (architecture !== hostArchitecture()) return;
  const { version } = readNodePackage(architecture);
  const said = execFileSync(path, ['--version']).toString().trim();
  if (said !== `v${version}`) throw new Error(`${path}: says ${said} instead of v${version}`);
}
