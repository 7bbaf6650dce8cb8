/** What a release page needs, in dist/: `make release`. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildFor } from './deb.ts';
import { reportFailure } from './executable.ts';
import { formatNotices } from './notices.ts';
import { architectures, outputDirectory, projectDirectory, readVersion } from './project.ts';
import { formatSbom } from './sbom.ts';

async function release(): Promise<void> {
  const files: string[] = [];
  for (const architecture of architectures) files.push(...(await buildFor(architecture)));
  const write = (name: string, content: string) => {
    writeFileSync(join(outputDirectory, name), content);
    files.push(join(outputDirectory, name));
  };
  write('third-party-notices.txt', await formatNotices());
  write('sbom.cdx.json', await formatSbom());
  write('release-notes.md', readReleaseNotes());
  // Bare names: `sha256sum --check` works in whatever directory they were downloaded to.
  const sums = files.map((file) => `${sumOf(file)}  ${basename(file)}\n`);
  writeFileSync(join(outputDirectory, 'SHA256SUMS'), sums.join(''));
}

/** The changelog's part about this version. */
function readReleaseNotes(): string {
  const changelog = readFileSync(join(projectDirectory, 'CHANGELOG.md'), 'utf8');
  const part = changelog.split(/^## /m).find((one) => one.startsWith(`[${readVersion()}]`));
  if (part === undefined) throw new Error(`CHANGELOG.md has no part about ${readVersion()}`);
  return part.slice(part.indexOf('\n')).trimStart();
}

function sumOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

await release().catch(reportFailure);
