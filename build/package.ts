/** The Debian package of an architecture, made by debhelper from build/debian. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeManPages } from './man.ts';
import { formatNotices } from './notices.ts';
import {
  type Architecture,
  cacheDirectory,
  moveInto,
  programName,
  projectDirectory,
  readSourceDate,
} from './project.ts';

const debianArchitectures: Record<Architecture, string> = { x64: 'amd64', arm64: 'arm64' };

export interface PackageRequest {
  architecture: Architecture;
  executable: string;
  version: string;
  /** The directory for the package. */
  output: string;
  /** Options of dpkg-deb. */
  compression?: string;
}

/** Returns the path of the package. The same sources give the same bytes. */
export async function buildPackage(request: PackageRequest): Promise<string> {
  const { architecture, executable, version, output, compression = '-Zxz -z6' } = request;
  const name = `${programName}_${version}_${debianArchitectures[architecture]}.deb`;
  mkdirSync(cacheDirectory, { recursive: true });
  const work = mkdtempSync(join(cacheDirectory, 'deb-'));
  try {
    const date = readSourceDate();
    await layOut(work, executable);
    writeFileSync(join(work, 'debian/changelog'), formatChangelog(version, date));
    const env = {
      ...process.env,
      SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)),
      DEB_HOST_ARCH: debianArchitectures[architecture],
      COMPRESSION: compression,
    };
    // dpkg-architecture warns that there is no compiler for a foreign architecture: shown only when it fails.
    execFileSync('debian/rules', ['binary'], { cwd: work, env, stdio: 'pipe' });
    moveInto(join(work, name), join(output, name));
    return join(output, name);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** What build/debian/install and its neighbours name. */
async function layOut(work: string, executable: string): Promise<void> {
  const build = import.meta.dirname;
  const [completion, documentation] = [join(work, 'completion'), join(work, 'documentation')];
  cpSync(join(build, 'debian'), join(work, 'debian'), { recursive: true });
  cpSync(join(projectDirectory, 'examples'), join(work, 'examples'), { recursive: true });
  for (const directory of [completion, documentation]) mkdirSync(directory);
  copyFileSync(join(build, 'completion/bash'), join(completion, programName));
  copyFileSync(join(build, 'completion/zsh'), join(completion, `_${programName}`));
  copyFileSync(join(build, 'launcher/pilos_post_publish.rb'), join(work, 'pilos_post_publish.rb'));
  copyFileSync(join(projectDirectory, 'CHANGELOG.md'), join(documentation, 'CHANGELOG.md'));
  copyFileSync(executable, join(work, programName));
  writeFileSync(join(documentation, 'third-party-notices'), await formatNotices());
  await writeManPages(join(work, 'man'));
}

function formatChangelog(version: string, date: Date): string {
  const maintainer = 'The pilos-post-publish authors <nobody@pilos-post-publish.invalid>';
  const when = date.toUTCString().replace('GMT', '+0000');
  return `${programName} (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${maintainer}  ${when}\n`;
}
