/** The Debian package as a file, with a small file as the executable. What it does is in e2e/deb.test.ts. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatChangelog } from '../../../build/deb/changelog.ts';
import { buildPackage } from '../../../build/deb/package.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
const date = new Date('2026-01-31T12:00:00Z');
const maintainer = 'The pilos-post-publish authors <nobody@pilos-post-publish.invalid>';

function build(output: string): string {
  mkdirSync(output, { recursive: true });
  const executable = directory.write('pilos-post-publish', 'the executable', 0o755);
  return buildPackage({ architecture: 'arm64', executable, version: '1.0.0', output });
}

describe('the package', () => {
  const before = { umask: process.umask(), epoch: process.env['SOURCE_DATE_EPOCH'] };
  beforeEach(() => {
    process.env['SOURCE_DATE_EPOCH'] = String(date.getTime() / 1000);
  });
  afterEach(() => {
    process.umask(before.umask);
    if (before.epoch === undefined) delete process.env['SOURCE_DATE_EPOCH'];
    else process.env['SOURCE_DATE_EPOCH'] = before.epoch;
  });

  it('has the same bytes when it is built again, with another umask', () => {
    process.umask(0o022);
    const first = build(join(directory.path, 'first'));
    process.umask(0o077);
    const second = build(join(directory.path, 'second'));
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
  });

  it('names its architecture, its size and what it depends on', async () => {
    const { stdout } = await runOrThrow('dpkg-deb', ['--field', build(directory.path)]);
    expect(stdout).toContain('Architecture: arm64\n');
    expect(stdout).toMatch(/^Installed-Size: \d+$/m);
    expect(stdout).toMatch(/^Depends: .*\bruby\b/m);
  });

  it('has a sum of every file but the configuration', async () => {
    const path = build(directory.path);
    await runOrThrow('dpkg-deb', ['--raw-extract', path, join(directory.path, 'root')]);
    const root = join(directory.path, 'root');
    await runOrThrow('md5sum', ['--check', '--strict', 'DEBIAN/md5sums'], { cwd: root });
    const conffiles = readFileSync(join(root, 'DEBIAN/conffiles'), 'utf8');
    expect(conffiles).toBe('/etc/bigbluebutton/recording/pilos.yml\n/etc/logrotate.d/pilos-post-publish\n');
  });
});

describe("Debian's changelog", () => {
  const markdown = `# Changelog

## [1.1.0] - unreleased

### Added

- \`deliver\` [again](https://example.com), a line that is long enough to be broken in two when it is written down
  and goes on.

## [1.0.0] - 2025-12-24

The first one.
`;

  it('has an entry for each version, the newest first', () => {
    expect(formatChangelog(markdown, { version: '1.1.0', date })).toBe(
      `pilos-post-publish (1.1.0) unstable; urgency=medium

  [ Added ]

  * deliver again, a line that is long enough to be broken in two when it is
    written down and goes on.

 -- ${maintainer}  Sat, 31 Jan 2026 12:00:00 +0000

pilos-post-publish (1.0.0) unstable; urgency=medium

  * The first one.

 -- ${maintainer}  Wed, 24 Dec 2025 00:00:00 +0000
`,
    );
  });

  it('begins with the version of the package, whatever CHANGELOG.md has', () => {
    expect(formatChangelog(markdown, { version: '1.1.1', date })).toMatch(/^pilos-post-publish \(1\.1\.1\) /);
  });
});
