/** What a release consists of: an executable for each architecture, and SHA256SUMS over both. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildExecutable, reportFailure } from './executable.ts';
import { architectures, outputDirectory, programName } from './project.ts';

async function release(): Promise<void> {
  const sums: string[] = [];
  for (const architecture of architectures) {
    const name = `${programName}-linux-${architecture}`;
    const path = join(outputDirectory, name);
    await buildExecutable(architecture, path);
    // Bare names: `sha256sum --check` works in whatever directory they were downloaded to.
    sums.push(`${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${name}\n`);
  }
  writeFileSync(join(outputDirectory, 'SHA256SUMS'), sums.join(''));
}

await release().catch(reportFailure);
