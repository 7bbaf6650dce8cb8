/**
 * Mutants: the program with one promise broken each. They are keyed to functions by name, not to source text:
 * the module calls what `replacement` makes of its function, which may be its own or one that it imports.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundle } from '../../../build/bundle.ts';
import { cacheDirectory, projectDirectory } from '../../../build/project.ts';
import { testRun } from '../../support/run/test-run.ts';
import type { CheckName } from './checks.ts';
import type { Program } from './program.ts';
import type { Undo } from './undo.ts';

export interface Seam {
  /** Relative to `hook/`. */
  module: string;
  function: string;
  /** An expression in JavaScript, in the scope of the module; `original` is the function. */
  replacement: string;
}

export interface Mutant {
  name: string;
  seams: Seam[];
  killedBy: CheckName;
  /** What the check has to find: a mutant that fails otherwise shows nothing. */
  finding: RegExp;
}

const hook = join(projectDirectory, 'hook');

/** The program with these replacements, bundled; without any it is the one that ships. Gone afterwards. */
export async function buildMutant(undo: Undo, seams: readonly Seam[]): Promise<Program> {
  mkdirSync(cacheDirectory, { recursive: true });
  const directory = mkdtempSync(join(cacheDirectory, `mutant-${testRun()}-`));
  undo(() => rmSync(directory, { recursive: true }));
  const script = join(directory, 'main.cjs');
  writeFileSync(script, await bundle(join(hook, 'main.ts'), [replaceFunctions(seams)]));
  return { command: [process.execPath, script] };
}

function replaceFunctions(seams: readonly Seam[]): Plugin {
  return {
    name: 'mutant',
    setup(build) {
      build.onLoad({ filter: /\/hook\/.*\.ts$/ }, ({ path }) => {
        const module = relative(hook, path);
        if (!seams.some((seam) => seam.module === module)) return undefined;
        return { contents: mutateModule(module, seams), loader: 'ts' };
      });
    },
  };
}

/** The text of a module with its replacements; throws when it has no function of that name. */
export function mutateModule(module: string, seams: readonly Seam[]): string {
  const text = readFileSync(join(hook, module), 'utf8');
  return seams.filter((seam) => seam.module === module).reduce(mutate, text);
}

function mutate(text: string, { module, function: name, replacement }: Seam): string {
  if (new RegExp(`^(?:export )?(?:async )?function ${name}\\b`, 'm').test(text))
    return `${text}\n{ const original = ${name}; ${name} = ${replacement}; }\n`;
  const renamed = text.replace(
    new RegExp(`^(import \\{[^}]*\\b)${name}(?= *[,}\\n][^;]*;)`, 'm'),
    `$1${name} as original_${name}`,
  );
  if (renamed === text) throw new Error(`hook/${module} neither has nor imports a function '${name}'`);
  const call = `const original = original_${name}; return (${replacement})(...words);`;
  return `${renamed}\nfunction ${name}(...words) { ${call} }\n`;
}
