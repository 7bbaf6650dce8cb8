/** dist/pilos-post-publish_VERSION_amd64.deb and _arm64.deb: `make deb`. */
import { join } from 'node:path';
import { buildExecutable, reportFailure } from './executable.ts';
import { buildPackage } from './package.ts';
import { type Architecture, architectures, outputDirectory, programName, readVersion } from './project.ts';

/** The executable, named as on a release page, and its package. */
export async function buildFor(architecture: Architecture): Promise<string[]> {
  const executable = join(outputDirectory, `${programName}-linux-${architecture}`);
  await buildExecutable(architecture, executable);
  const started = performance.now();
  const built = await buildPackage({
    architecture,
    executable,
    version: readVersion(),
    output: outputDirectory,
  });
  process.stdout.write(`${built} built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  return [executable, built];
}

async function main(): Promise<void> {
  for (const architecture of architectures) await buildFor(architecture);
}

if (import.meta.main) await main().catch(reportFailure);
