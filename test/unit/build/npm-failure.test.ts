/** When npm cannot fetch something, whoever runs make reads why. */
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  architectures,
  hostArchitecture,
  projectDirectory,
  readNodePackage,
  sources,
} from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
/** Of npm, about a registry at whose address nobody listens. */
const reason = 'connect ECONNREFUSED 127.0.0.1:1';

/** Without what this machine's npm has in its cache, or is configured to. */
function environment() {
  return {
    HOME: directory.path,
    npm_config_registry: 'http://127.0.0.1:1',
    npm_config_userconfig: join(directory.path, 'npmrc'),
    npm_config_fetch_retries: '0',
  };
}

/** As in a fresh checkout. */
async function make(target: string): Promise<{ status: number | null; stderr: string }> {
  cpSync(join(projectDirectory, 'Makefile'), join(directory.path, 'Makefile'));
  return await runProgram('make', [target], { cwd: directory.path, env: environment() });
}

describe('when the npm registry cannot be reached', { timeout: 300_000 }, () => {
  it.each(['demo', 'build'])("'make %s' shows npm's reason", async (target) => {
    for (const name of ['package.json', 'package-lock.json'])
      cpSync(join(projectDirectory, name), join(directory.path, name));
    const { status, stderr } = await make(target);
    expect(stderr).toContain(reason);
    expect(status).toBe(2);
  });

  it("'make demo' shows it for the Node.js that ships, too, which is optional to npm", async () => {
    const { name, version } = readNodePackage(hostArchitecture());
    const optionalDependencies = { [name]: version };
    const project = { name: 'project', version: '1.0.0', optionalDependencies };
    const packages = { '': project, [`node_modules/${name}`]: { version, optional: true } };
    directory.write('package.json', JSON.stringify(project));
    directory.write('package-lock.json', JSON.stringify({ ...project, lockfileVersion: 3, packages }));
    const { status, stderr } = await make('demo');
    expect(stderr).toContain(`npm has not installed ${name}`);
    expect(stderr).toContain(reason);
    expect(status).toBe(2);
  });

  it("a build for the other architecture shows it, whose Node.js comes with 'npm pack'", async () => {
    const checkout = directory.makeDirectory('checkout');
    for (const name of sources)
      cpSync(join(projectDirectory, name), join(checkout, name), { recursive: true });
    symlinkSync(join(projectDirectory, 'node_modules'), join(checkout, 'node_modules'));
    const other = architectures.find((one) => one !== hostArchitecture()) ?? '';
    const args = [join(checkout, 'build/executable.ts'), '--arch', other];
    // By the pinned npm, as from make: older ones say it twice.
    const path = `${join(projectDirectory, 'node_modules/.bin')}:${process.env['PATH']}`;
    const env = { ...environment(), PATH: path, SOURCE_COMMIT: '0123456789ab' };
    const { status, stderr } = await runProgram(process.execPath, args, { env });
    expect(stderr).toContain(reason);
    expect(stderr.match(/ECONNREFUSED 127/g)).toHaveLength(1);
    expect(stderr).toMatch(/^build: Command failed: npm pack node-linux-/m);
    expect(status).toBe(1);
  });
});
