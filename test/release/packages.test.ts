/** The packages of `make release`, where they are to be installed: each Debian, and so each Ubuntu of its age. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cacheDirectory,
  outputDirectory,
  programName,
  projectDirectory,
  readVersion,
} from '../../build/project.ts';
import * as server from '../support/bbb/bbb-server.ts';
import { createDebianRoot, type DebianRoot } from '../support/program/debian-root.ts';
import { runOrThrow } from '../support/program/run-program.ts';

const places = [
  // glibc 2.31 and Ruby 2.7, as on Ubuntu 20.04
  { suite: 'bullseye', architecture: 'amd64' },
  { suite: 'bookworm', architecture: 'amd64' },
  { suite: 'trixie', architecture: 'amd64' },
  { suite: 'bookworm', architecture: 'arm64' },
] as const;

describe.each(places)('the package for $architecture on $suite', ({ suite, architecture }) => {
  const file = join(outputDirectory, `${programName}_${readVersion()}_${architecture}.deb`);
  const isForeign = (architecture === 'amd64') !== (process.arch === 'x64');
  let root: DebianRoot;
  beforeAll(async () => {
    root = await createDebianRoot([], { suite, architecture: isForeign ? architecture : undefined });
    await server.createBbbServer(root.path);
    copyFileSync(file, join(root.path, basename(file)));
  });
  afterAll(() => root.remove());

  it('is installed without a question, and nothing is missing that it needs', async () => {
    const options = ['install', '--yes', '--no-install-recommends'];
    const { stdout } = await root.runOrThrow('apt-get', ...options, `/${basename(file)}`);
    expect(stdout).toContain(`kept ${server.pilosYml}`);
    const { stdout: said } = await root.runOrThrow('dpkg', '--print-architecture');
    expect(said).toBe(`${architecture}\n`);
  });

  it('runs by its name, says its version, and checks the server', async () => {
    expect((await root.runOrThrow(programName, '--version')).stdout).toMatch(
      new RegExp(`^${programName} ${readVersion().replaceAll('.', '\\.')}`),
    );
    const { stdout } = await root.run(programName, 'check', '--json');
    const { results } = JSON.parse(stdout) as { results: { check: string; state: string }[] };
    for (const check of ['launcher', 'executable', 'pilos_yml', 'bbb_yml'])
      expect(results.find((one) => one.check === check)?.state, check).toBe('ok');
  });

  it('delivers when BBB calls its launcher, with the Ruby of this Debian', async () => {
    await root.runOrThrow(...server.bbbCall(server.newId));
    expect(server.isDelivered(root.path, server.newId)).toBe(true);
  });

  it("is purged, and PILOS' script is back", async () => {
    await root.runOrThrow('apt-get', 'purge', '--yes', programName);
    expect(existsSync(join(root.path, server.executable))).toBe(false);
    expect(await runOrThrow('cat', [join(root.path, server.launcher)])).toMatchObject({
      stdout: server.pilosScript,
    });
  });

  it('is not needed: the bare executable installs itself, and delivers', async () => {
    const executable = `${programName}-linux-${architecture === 'amd64' ? 'x64' : 'arm64'}`;
    copyFileSync(join(outputDirectory, executable), join(root.path, 'tmp', programName));
    await root.runOrThrow('chmod', '755', `/tmp/${programName}`);
    await root.runOrThrow(`/tmp/${programName}`, 'install');
    await root.runOrThrow(...server.bbbCall(server.newId));
    await root.runOrThrow(programName, 'uninstall');
    expect(readFileSync(join(root.path, server.launcher), 'utf8')).toBe(server.pilosScript);
  });
});

describe('the files of a release', () => {
  const read = (name: string) => readFileSync(join(outputDirectory, name), 'utf8');

  it('have the sums that SHA256SUMS says, and none is missing', async () => {
    await runOrThrow('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: outputDirectory });
    const sums = read('SHA256SUMS').trim().split('\n');
    const expected = [
      ...['x64', 'arm64'].map((one) => `${programName}-linux-${one}`),
      ...['amd64', 'arm64'].map((one) => `${programName}_${readVersion()}_${one}.deb`),
      ...['release-notes.md', 'sbom.cdx.json', 'third-party-notices.txt'],
    ];
    expect(sums.map((line) => line.slice(66)).sort()).toEqual(expected.sort());
  });

  it.each(['amd64', 'arm64'])("have xz's usual dictionary: the package for %s", async (one) => {
    const file = join(outputDirectory, `${programName}_${readVersion()}_${one}.deb`);
    const listed = 'ar p "$0" data.tar.xz >"$1" && xz --list -vv "$1"; rm "$1"';
    const copy = join(cacheDirectory, `data-${one}.tar.xz`);
    const { stdout } = await runOrThrow('sh', ['-c', listed, file, copy]);
    expect([...new Set(stdout.match(/--lzma2=\S+/g))]).toEqual(['--lzma2=dict=8MiB']);
  });

  it('have what the changelog says of this version', () => {
    const changelog = readFileSync(join(projectDirectory, 'CHANGELOG.md'), 'utf8');
    const notes = read('release-notes.md').trim();
    const [before = ''] = changelog.split(notes);
    expect(before.trim().split('\n').at(-1)).toContain(`## [${readVersion()}]`);
    const after = changelog.slice(before.length + notes.length).trim();
    expect(after).toMatch(/^(?:## |$)/);
    expect(notes).not.toMatch(/^## /m);
  });

  it('bring the notices of every library that the SBOM names', () => {
    const sbom = JSON.parse(read('sbom.cdx.json')) as { components: { name: string }[] };
    const notices = read('third-party-notices.txt');
    expect(sbom.components.length).toBeGreaterThan(0);
    for (const { name } of sbom.components)
      expect(notices).toContain(name.startsWith('node-linux-') ? 'Node.js' : name);
  });
});
