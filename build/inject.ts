/** Runs @yao-pkg/pkg: a bundle and a base executable → the finished executable. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeaConfig } from '@yao-pkg/pkg/lib-es5/sea.js';
import { type Architecture, programName } from './project.ts';

/** https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html; pkg knows only some of it. */
interface NodeSeaConfig extends SeaConfig {
  main: string;
  execArgvExtension: 'none' | 'env' | 'cli';
}

export const seaConfiguration: NodeSeaConfig = {
  // As seen from the folder that pkg makes and works in. The path becomes part of the executable, so an
  // absolute one would give other bytes in every checkout.
  main: `../${programName}.cjs`,
  disableExperimentalSEAWarning: true,
  useSnapshot: false,
  useCodeCache: false,
  // NODE_OPTIONS of a shell profile or a systemd unit must neither break nor steer the program.
  execArgvExtension: 'none',
};

interface Injection {
  architecture: Architecture;
  /** A Node.js executable for that architecture, of the version that runs this build. */
  base: string;
  /** An empty folder, which is the caller's to remove. */
  workDirectory: string;
}

/** Returns the path of the executable, which lies in the work directory. */
export async function injectBundle(
  code: string,
  { architecture, base, workDirectory }: Injection,
): Promise<string> {
  const entry = join(workDirectory, `${programName}.cjs`);
  const output = join(workDirectory, programName);
  writeFileSync(entry, code);
  const nodeRange = `node${process.versions.node}`;
  const target = { platform: 'linux' as const, arch: architecture, nodeRange, output };
  // A second to load, which a build that finds everything up to date does not have to spend.
  const { default: pkg } = await import('@yao-pkg/pkg/lib-es5/sea.js');
  await inWorkDirectory(workDirectory, () =>
    // The command line of pkg can name neither the base nor NodeSeaConfig's fields, its function can. Both
    // options together: 'nodePath' is the base, 'useLocalNode' says that it has the version of the Node
    // that runs this, so that pkg need not run it (which fails for another architecture) to find out.
    pkg.default(entry, {
      seaConfig: seaConfiguration,
      nodePath: base,
      useLocalNode: true,
      targets: [target],
    }),
  );
  return output;
}

/** pkg works in a folder below $TMPDIR, and tells its steps on stdout. */
async function inWorkDirectory(workDirectory: string, run: () => Promise<void>): Promise<void> {
  const { default: log } = await import('@yao-pkg/pkg/lib-es5/log.js');
  const before = process.env['TMPDIR'];
  const tell = log.log.info;
  process.env['TMPDIR'] = workDirectory;
  log.log.info = () => undefined;
  try {
    await run();
  } finally {
    log.log.info = tell;
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}
