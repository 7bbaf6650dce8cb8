/** Runs @yao-pkg/pkg: a bundle and a base executable → the finished executable. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeaConfig } from '@yao-pkg/pkg/lib-es5/sea.js';
import { makeCodeCache, wrapProgram } from './code-cache.ts';
import { type Architecture, hostArchitecture, programName, readNodePackage } from './project.ts';

/** https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html; pkg knows only some of it. */
interface NodeSeaConfig extends SeaConfig {
  main: string;
  assets: Record<string, string>;
  execArgv: string[];
  execArgvExtension: 'none' | 'env' | 'cli';
}

/**
 * Of Node.js. None of V8's: Node's own code cache is good only without, and compiling what it has of Node takes a call
 * 5 ms. What saves memory is set later: see hook/system/memory.ts.
 */
const executionFlags = [
  // A warning of the runtime would land in BBB's log, where no admin can do anything about it.
  '--no-warnings',
];

const start = join(import.meta.dirname, 'start.cjs');
/** What decides beside the bundle about the bytes of the executable. */
export const startFiles = ['start.cjs', 'warm-up.cjs', 'code-cache.ts'].map((name) =>
  join(import.meta.dirname, name),
);

const programFile = 'program.js';
const codeCacheFile = 'code-cache';

export function planSeaConfiguration(): NodeSeaConfig {
  return {
    // As seen from the folder that pkg makes and works in. The path becomes part of the executable, so an
    // absolute one would give other bytes in every checkout.
    main: `../${programName}.cjs`,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    // The bundle has one of its own: see code-cache.ts.
    useCodeCache: false,
    assets: { program: `../${programFile}`, 'code-cache': `../${codeCacheFile}` },
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
  copyFileSync(start, entry);
  const program = join(workDirectory, programFile);
  writeFileSync(program, wrapProgram(code));
  // V8 makes it for its own kind only.
  const isOwn = architecture === hostArchitecture();
  writeFileSync(join(workDirectory, codeCacheFile), isOwn ? makeCodeCache(program, executionFlags) : '');
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
  const seaConfig = planSeaConfiguration();
  await inEnvironmentOfPkg(workDirectory, () =>
    pkg.default(entry, { seaConfig, nodePath: base, useLocalNode: true, targets: [target] }),
  );
  return output;
}

/** pkg works in a folder below $TMPDIR, and prints its steps on stdout. */
async function inEnvironmentOfPkg(workDirectory: string, run: () => Promise<void>): Promise<void> {
  const { default: log } = await import('@yao-pkg/pkg/lib-es5/log.js');
  const before = { directory: process.env['TMPDIR'], info: log.log.info };
  process.env['TMPDIR'] = workDirectory;
  log.log.info = () => undefined;
  try {
    await run();
  } finally {
    log.log.info = before.info;
    if (before.directory === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before.directory;
  }
}
