import { createHash } from 'node:crypto';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundle } from '../../../build/bundle.ts';
import { makeCodeCache, wrapProgram } from '../../../build/code-cache.ts';
import { planSeaConfiguration } from '../../../build/inject.ts';
import {
  outputDirectory,
  programName,
  projectDirectory,
  readCommit,
  readNodePackage,
  sources,
} from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();

describe('bundle', () => {
  it('evaluates a module behind import() only when it is asked for, and keeps built-ins working', async () => {
    directory.write('late.js', "import { sep } from 'node:path'; process.stdout.write('late ' + sep);");
    const entry = directory.write('entry.js', "process.stdout.write('early\\n'); void import('./late.js');");
    const code = await bundle(entry);
    const { stdout } = await runOrThrow(process.execPath, [directory.write('bundle.cjs', code)]);
    expect(stdout).toBe('early\nlate /');
  });

  it('gives dependencies an import.meta.url from which require() works', async () => {
    const source = [
      "import { createRequire } from 'node:module';",
      "const { sep } = createRequire(import.meta.url)('node:path');",
      'process.stdout.write(sep);',
    ];
    const code = await bundle(directory.write('entry.js', source.join('\n')));
    const { stdout } = await runOrThrow(process.execPath, [directory.write('bundle.cjs', code)]);
    expect(stdout).toBe('/');
  });

  it('reports version and commit, and nothing of the machine that built it', async () => {
    const code = await bundle();
    expect(code).toContain(`"${readCommit()}"`);
    expect(code).not.toContain(projectDirectory);
  });
});

describe('executable', () => {
  it('in dist/ has the same bytes as one that is built elsewhere from the same sources', {
    timeout: 300_000,
  }, async () => {
    const elsewhere = directory.makeDirectory('another checkout');
    for (const name of sources) {
      cpSync(join(projectDirectory, name), join(elsewhere, name), { recursive: true });
    }
    symlinkSync(join(projectDirectory, 'node_modules'), join(elsewhere, 'node_modules'));
    const built = join(directory.makeDirectory('out'), programName);
    const args = [join(elsewhere, 'build/executable.ts'), '--out', dirname(built)];
    // The commit is given, for what is copied has none.
    const env = { SOURCE_COMMIT: readCommit(), HOME: directory.path };
    await runOrThrow(process.execPath, args, { env, cwd: directory.path });
    expect(sumOf(built)).toBe(sumOf(join(outputDirectory, programName)));
  });

  it('does not obey NODE_OPTIONS', () => {
    expect(planSeaConfiguration().execArgvExtension).toBe('none');
  });

  it('has a code cache that V8 takes, with the functions of a call for another front end', async () => {
    const program = directory.write('program.js', wrapProgram(await bundle()));
    const codeCache = directory.write('code-cache', makeCodeCache(program, ['--no-warnings']));
    const script = `
      const [program, codeCache] = ${JSON.stringify([program, codeCache])}.map((file) => fs.readFileSync(file));
      const cachedData = codeCache;
      const script = new vm.Script(program.latin1Slice(), { filename: 'program', cachedData });
      process.stdout.write(String(script.cachedDataRejected) + ' ' + codeCache.includes('is not from PILOS'));`;
    expect((await runOrThrow(process.execPath, ['-e', script])).stdout).toBe('false true');
  });

  it('is made from one version of Node.js on both architectures, the one that runs these tests', () => {
    expect(readNodePackage('arm64').version).toBe(readNodePackage('x64').version);
    expect(process.version).toBe(`v${readNodePackage('x64').version}`);
  });
});

function sumOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

describe('system-packages.sh', () => {
  const script = readFileSync(join(projectDirectory, 'build/system-packages.sh'));

  /** As a user who is not root, on a machine that has only the programs which the script itself needs. */
  function runScript(...groups: string[]) {
    // Stand-ins, files of their own: a link to the system's program would have it overwritten, as root.
    for (const [name, answer] of Object.entries({ id: '1000', uname: 'x86_64' })) {
      directory.write(`bin/${name}`, `#!/bin/sh\necho ${answer}\n`, 0o755);
    }
    const bin = join(directory.path, 'bin');
    return runProgram('/bin/sh', ['-s', ...groups], { input: script, env: { PATH: bin } });
  }

  it('reports the command that installs what is missing, once for each package', async () => {
    const { status, stdout, stderr } = await runScript('build', 'build');
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    expect(stderr).toContain('sudo apt-get install binutils\n');
  });

  it('refuses a group that it does not know', async () => {
    const { status, stderr } = await runScript('tests');
    expect({ status, stderr }).toEqual({ status: 64, stderr: "system-packages.sh: no group 'tests'\n" });
  });

  it('says nothing when nothing is missing', async () => {
    const result = await runProgram('/bin/sh', ['-s', 'build', 'test'], { input: script });
    expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  });
});
