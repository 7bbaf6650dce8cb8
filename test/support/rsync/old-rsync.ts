import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** An rsync and its rrsync, side by side in `binDirectory`: put that first on a PATH. */
export interface RsyncPrograms {
  version: string;
  binDirectory: string;
  rsync: string;
  rrsync: string;
}

const cacheDirectory = join(import.meta.dirname, '../../../dist/.test-cache');

/**
 * Installs into `directory` the oldest rsync that the distribution's apt offers, and the rrsync of the same
 * package, calling it. Where there is but one version, that one: the tests still run, and a line says so.
 *
 * `directory` must be reachable for the user of the tested server, which the checkout need not be.
 */
export async function installOldRsync(directory: string): Promise<RsyncPrograms> {
  const binDirectory = join(directory, 'old-rsync');
  const rsync = join(binDirectory, 'rsync');
  const rrsync = join(binDirectory, 'rrsync');
  const original = await provideOriginals();
  await mkdir(binDirectory, { recursive: true });
  await copyFile(original.rsync, rsync);
  const script = await readFile(original.rrsync, 'utf8');
  await writeFile(
    rrsync,
    script.replace(/^(RSYNC = ).*$/m, (_, name: string) => `${name}'${rsync}'`),
  );
  for (const path of [directory, binDirectory, rsync, rrsync]) {
    await chmod(path, 0o755);
  }
  return { version: await readVersion(rsync), binDirectory, rsync, rrsync };
}

async function provideOriginals(): Promise<{ rsync: string; rrsync: string }> {
  const oldest = (await readOfferedVersions()).at(-1);
  try {
    if (oldest === undefined) {
      throw new Error('apt offers one version only');
    }
    const unpacked = await provideUnpacked(oldest);
    return { rsync: join(unpacked, 'usr/bin/rsync'), rrsync: join(unpacked, 'usr/bin/rrsync') };
  } catch (error) {
    const version = await readVersion('/usr/bin/rsync');
    process.stdout.write(`old-rsync: rsync ${version} stands in for an older one: ${String(error)}\n`);
    return { rsync: '/usr/bin/rsync', rrsync: '/usr/bin/rrsync' };
  }
}

/** The versions besides the installed one, newest first: `rsync | 3.2.7-1+deb12u6 | http://…`. */
async function readOfferedVersions(): Promise<string[]> {
  const installed = await execa('dpkg-query', ['--show', 'rsync'], { reject: false });
  const offered = await execa('apt-cache', ['madison', 'rsync'], { reject: false });
  const versions = offered.failed
    ? []
    : offered.stdout.split('\n').map((line) => line.split('|')[1]?.trim() ?? '');
  return [...new Set(versions)].filter(
    (version) => version !== '' && version !== installed.stdout?.split('\t')[1],
  );
}

/** The package's files in the cache; two test files that come here at once both leave a whole directory. */
async function provideUnpacked(version: string): Promise<string> {
  const unpacked = join(cacheDirectory, `rsync-${version}`);
  if (await isWhole(unpacked)) {
    return unpacked;
  }
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(join(cacheDirectory, 'download-'));
  try {
    await execa('apt-get', ['download', `rsync=${version}`], { cwd: work });
    const archive = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) {
      throw new Error(`apt-get download rsync=${version} left no package in ${work}`);
    }
    await execa('dpkg-deb', ['--extract', join(work, archive), join(work, 'unpacked')]);
    await rename(join(work, 'unpacked'), unpacked).catch(async (error: unknown) => {
      if (!(await isWhole(unpacked))) {
        throw error;
      }
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return unpacked;
}

async function isWhole(unpacked: string): Promise<boolean> {
  const names: string[] = await readdir(join(unpacked, 'usr/bin')).catch(() => []);
  return names.includes('rsync') && names.includes('rrsync');
}

/** `3.2.7`, from `rsync  version 3.2.7  protocol version 32`. */
async function readVersion(rsync: string): Promise<string> {
  const { stdout } = await execa(rsync, ['--version']);
  return /version (\S+)/.exec(stdout)?.[1] ?? stdout;
}
