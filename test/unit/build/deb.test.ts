/** The Debian package as a file, with a small file as the executable. What it does is in e2e/install. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildPackage } from '../../../build/package.ts';
import { projectDirectory } from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
const date = new Date('2026-01-31T12:00:00Z');

function build(output: string): Promise<string> {
  mkdirSync(output, { recursive: true });
  const executable = directory.write('pilos-post-publish', 'the executable', 0o755);
  return buildPackage({ architecture: 'arm64', executable, version: '1.0.0', output });
}

describe('the package', { timeout: 600_000 }, () => {
  const before = { umask: process.umask(), epoch: process.env['SOURCE_DATE_EPOCH'] };
  beforeEach(() => {
    process.env['SOURCE_DATE_EPOCH'] = String(date.getTime() / 1000);
  });
  afterEach(() => {
    process.umask(before.umask);
    if (before.epoch === undefined) delete process.env['SOURCE_DATE_EPOCH'];
    else process.env['SOURCE_DATE_EPOCH'] = before.epoch;
  });

  it('has the same bytes when it is built again, with another umask', async () => {
    process.umask(0o022);
    const first = await build(join(directory.path, 'first'));
    process.umask(0o077);
    const second = await build(join(directory.path, 'second'));
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
  });

  it("is compressed at xz's usual level, as dpkg-deb does it by itself", async () => {
    const path = await build(directory.path);
    const root = join(directory.path, 'root');
    await runOrThrow('dpkg-deb', ['--raw-extract', path, root]);
    const usual = join(directory.path, 'usual.deb');
    const env = { SOURCE_DATE_EPOCH: process.env['SOURCE_DATE_EPOCH'] };
    await runOrThrow('dpkg-deb', ['-Zxz', '--root-owner-group', '--build', root, usual], { env });
    expect(readFileSync(path).equals(readFileSync(usual))).toBe(true);
    // The dictionary of xz -6; any reader needs as much memory.
    const listed = 'ar p "$0" data.tar.xz >"$0.xz" && xz --list -vv "$0.xz"';
    const { stdout } = await runOrThrow('sh', ['-c', listed, path]);
    expect(stdout).toContain('--lzma2=dict=8MiB');
  });

  it('names its architecture and what it depends on, keeps changed configuration, has every example', async () => {
    const path = await build(directory.path);
    const { stdout } = await runOrThrow('dpkg-deb', ['--field', path]);
    expect(stdout).toContain('Architecture: arm64\n');
    expect(stdout).toMatch(/^Depends: .*\bruby\b/m);
    const root = join(directory.path, 'root');
    await runOrThrow('dpkg-deb', ['--raw-extract', path, root]);
    expect(readFileSync(join(root, 'DEBIAN/conffiles'), 'utf8')).toBe(
      '/etc/bigbluebutton/recording/pilos.yml\n/etc/logrotate.d/pilos-post-publish\n',
    );
    const documentation = join(root, 'usr/share/doc/pilos-post-publish');
    const examples = [join(projectDirectory, 'examples'), join(documentation, 'examples')];
    await runOrThrow('diff', ['--recursive', ...examples]);
    const licence = readFileSync(join(projectDirectory, 'LICENSE'), 'utf8').split('\n').slice(2).join(' ');
    const copyright = readFileSync(join(documentation, 'copyright'), 'utf8');
    const words = (text: string) => text.split(/[\s.]+/).join(' ');
    expect(words(copyright)).toContain(words(licence.slice(licence.indexOf('Permission'))).trim());
    expect(copyright).toContain(/Copyright \(c\) (.*?) {2}/.exec(licence)?.[1]);
  });
});
