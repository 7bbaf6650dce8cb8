/** The Debian package under test, from the executable that `make build` has built. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '../../../build/package.ts';
import { outputDirectory, programName, readVersion } from '../../../build/project.ts';

export const executable = join(outputDirectory, programName);
const output = join(outputDirectory, 'machines');

export const packageFile = (version = readVersion()) => join(output, `${programName}_${version}_amd64.deb`);

/** The released one but for its compression, which would take longer than all the rest. */
export async function providePackage(version = readVersion()): Promise<void> {
  mkdirSync(output, { recursive: true });
  await buildPackage({ architecture: 'x64', executable, version, output, compression: '-Zgzip -z1' });
}
