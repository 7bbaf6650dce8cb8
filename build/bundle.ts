/** hook/ and its dependencies → one CommonJS file, the only form that Node's SEA loads without a file system. */
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { readEmbeddedFiles } from '../hook/install/embedded-files.ts';
import { projectDirectory, readCommit, readVersion } from './project.ts';

const main = join(projectDirectory, 'hook/main.ts');

/**
 * Returns the text of the bundle. `import()` stays lazy in it: what a path does not need is parsed but
 * never evaluated.
 */
export async function bundle(entry = main, plugins: Plugin[] = []): Promise<string> {
  const { outputFiles } = await run(entry, plugins);
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild wrote no bundle');
  return file.text;
}

/** Where each place of the bundle comes from; paths as from the project's directory. */
export async function readSourceMap(): Promise<SourceMap> {
  const outfile = join(projectDirectory, 'program.js');
  const { outputFiles } = await run(main, [], { sourcemap: 'external', outfile });
  const map = outputFiles.find(({ path }) => path.endsWith('.map'));
  if (map === undefined) throw new Error('esbuild wrote no source map');
  return new SourceMap(JSON.parse(map.text));
}

/** The directories of the npm packages that the bundle contains something of, below the project's. */
export async function listBundledPackages(): Promise<string[]> {
  const { metafile } = await run(main);
  const found = Object.keys(metafile.inputs).map(
    (path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0],
  );
  return [...new Set(found)].filter((path) => path !== undefined).sort();
}

function run(entry: string, plugins: Plugin[] = [], options: BuildOptions = {}) {
  return build({
    ...options,
    plugins,
    entryPoints: [entry],
    absWorkingDir: projectDirectory,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // Names too: keeping them costs each call 3 ms. See stack.ts.
    minify: true,
    legalComments: 'none',
    // Inside a SEA, import() of a built-in module is not what require() of it is: always the latter.
    supported: { 'dynamic-import': false },
    // A CommonJS file has no import.meta; createRequire(import.meta.url) in a dependency needs one.
    banner: { js: 'const __moduleUrl = "file://" + __filename;' },
    define: {
      'import.meta.url': '__moduleUrl',
      __VERSION__: JSON.stringify(readVersion()),
      __COMMIT__: JSON.stringify(readCommit()),
      __EMBEDDED_FILES__: JSON.stringify(readEmbeddedFiles()),
    },
    logLevel: 'warning',
    metafile: true,
  });
}
