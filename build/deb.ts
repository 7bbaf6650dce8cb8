/** dist/pilos-post-publish_VERSION_amd64.deb and _arm64.deb: `make deb`. */
import { join } from 'node:path';
import { buildPackage } from './deb/package.ts';
import { buildExecutable, reportFailure } from './executable.ts';
import { architectures, outputDirectory, programName, readVersion } from './project.ts';

async function main(): Promise<void> {
  for (const architecture of architectures) {
    // Where `make release` has it too, so that each is built once.
    const executable = join(outputDirectory, `${programName}-linux-${architecture}`);
    await buildExecutable(architecture, executable);
    const started = performance.now();
    const built = buildPackage({ architecture, executable, version: readVersion(), output: outputDirectory });
    process.stdout.write(`${built} built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  }
}

await main().catch(reportFailure);
