/** Debian's checker of packages, on the packages of both architectures. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildPackage } from '../../../build/package.ts';
import {
  type Architecture,
  cacheDirectory,
  hostArchitecture,
  outputDirectory,
  programName,
  projectDirectory,
} from '../../../build/project.ts';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';
import { sized } from '../../support/program/test-size.ts';

const minute = 60_000;
const architecture = hostArchitecture();
const packages = join(cacheDirectory, 'lintian-packages');
afterAll(() => {
  rmSync(packages, { recursive: true, force: true });
});

/** Fast, and lintian wants some compression. */
function build(one: Architecture, directory: string): Promise<string> {
  mkdirSync(packages, { recursive: true });
  const compression = '-Zgzip -z1';
  const executable = join(directory, programName);
  return buildPackage({ architecture: one, executable, version: '1.0.0', output: packages, compression });
}

describe('lintian', { timeout: 5 * minute }, () => {
  const lint = (path: string) => {
    const options = ['--allow-root', '--fail-on', 'error,warning', '--tag-display-limit', '0'];
    // It forgets a temporary file.
    const env = { TMPDIR: packages };
    return runProgram('lintian', [...options, path], { timeoutMilliseconds: 5 * minute, env });
  };
  const clean = { status: 0, stdout: '', stderr: '' };

  it('has nothing to say about the package of this machine, but for what is overridden with a reason', async () => {
    expect(await lint(await build(architecture, outputDirectory))).toMatchObject(clean);
  });

  // It has the same files but for the executable: `make faults` takes the time.
  const others = (['x64', 'arm64'] as const).filter((one) => one !== architecture).slice(0, sized(0, 1));

  it.each(others)('has nothing to say about the package for %s', async (other) => {
    const foreign = join(cacheDirectory, other);
    const options = ['--arch', other, '--out', foreign];
    await runOrThrow(process.execPath, [join(projectDirectory, 'build/executable.ts'), ...options]);
    expect(await lint(await build(other, foreign))).toMatchObject(clean);
  });
});
