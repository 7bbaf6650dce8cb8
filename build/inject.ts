/** Runs @yao-pkg/pkg: a bundle and a base executable → the finished executable. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeaConfig } from '@yao-pkg/pkg/lib-es5/sea.js';
import { type Architecture, hostArchitecture, programName, readNodePackage } from './project.ts';

/** https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html; pkg knows only some of it. */
interface NodeSeaConfig extends SeaConfig {
  main: string;
  execArgv: string[];
  execArgvExtension: 'none' | 'env' | 'cli';
}

/** Of Node.js and V8. A code cache is good only for the flags that it was made with. */
const executionFlags = [
  // A warning of the runtime would land in BBB's log, where no admin can do anything about it.
  '--no-warnings',
  // A larger young generation costs 30 MB, and more page faults than it saves.
  '--max-semi-space-size=1',
  // What takes long here is system calls: optimized code gains nothing, and its compiler takes 6 MB.
  '--no-opt',
  '--v8-pool-size=1',
];

export function planSeaConfiguration(architecture: Architecture): NodeSeaConfig {
  return {
    // As seen from the folder that pkg makes and works in. The path becomes part of the executable, so an
    // absolute one would give other bytes in every checkout.
    main: `../${programName}.cjs`,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    // Spares compiling the bundle at every start, a quarter of it. V8 makes it for its own kind only.
    useCodeCache: architecture === hostArchitecture(),
    execArgv: [...executionFlags],
    // NODE_OPTIONS of a shell profile or a systemd unit must neither break nor steer the program.
    execArgvExtension: 'none',
  };
}

interface Injection {
  architecture: Architecture;
  /** A Node.js executable for that architecture, of the version that runs this build. */
  base: string;
  /** An empty folder, which is the caller's to remove. */
  workDirectory: string;
}

/** Returns the path of the executable, which lies in the work directory. */
export async function injectBundle(code: string, injection: Injection): Promise<string> {
  const { architecture, base, workDirectory } = injection;
  const { version } = readNodePackage(architecture);
  if (process.versions.node !== version) {
    throw new Error(`Node.js ${version} builds this, not ${process.versions.node}: use 'make build'`);
  }
  const entry = join(workDirectory, `${programName}.cjs`);
  const output = join(workDirectory, programName);
  writeFileSync(entry, code);
  // A second to load, which a build that finds everything up to date does not have to spend.
  const { default: pkg } = await import('@yao-pkg/pkg/lib-es5/sea.js');
  // pkg's command line can name neither the base nor the fields of NodeSeaConfig, its function can. It would
  // run the base to make the blob, unless that is for another platform; then it runs process.execPath, if
  // that has the same version, which 'useLocalNode' promises.
  const target = {
    platform: 'linuxstatic' as string as 'linux',
    arch: architecture,
    nodeRange: `node${version}`,
    output,
  };
  const seaConfig = planSeaConfiguration(architecture);
  await inEnvironmentOfPkg(workDirectory, () =>
    pkg.default(entry, { seaConfig, nodePath: base, useLocalNode: true, targets: [target] }),
  );
  return output;
}

/** pkg works in a folder below $TMPDIR, runs process.execPath, and tells its steps on stdout. */
async function inEnvironmentOfPkg(workDirectory: string, run: () => Promise<void>): Promise<void> {
  const { default: log } = await import('@yao-pkg/pkg/lib-es5/log.js');
  const before = { directory: process.env['TMPDIR'], node: process.execPath, tell: log.log.info };
  process.env['TMPDIR'] = workDirectory;
  process.execPath = writeReproducibleNode(workDirectory);
  log.log.info = () => undefined;
  try {
    await run();
  } finally {
    log.log.info = before.tell;
    process.execPath = before.node;
    if (before.directory === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before.directory;
  }
}

/**
 * The code cache lies in the order of V8's hash tables, and their seed is random unless this flag says
 * otherwise. NODE_OPTIONS does not take it, and pkg has no way to pass one: so a script does.
 */
function writeReproducibleNode(workDirectory: string): string {
  const path = join(workDirectory, 'node');
  writeFileSync(
    path,
    `#!/bin/sh\nexec '${process.execPath}' --random-seed=1 ${executionFlags.join(' ')} "$@"\n`,
    { mode: 0o755 },
  );
  return path;
}
