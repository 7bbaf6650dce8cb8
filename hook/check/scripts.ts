/** BBB's `post_publish` directory: is our launcher there, and does nothing else send the same recordings? */
import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSea } from 'node:sea';
import { EXIT } from '../errors.ts';
import { isLauncher } from '../install/launcher.ts';
import { hasSameContent } from '../system/same-content.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { findClosed } from './access.ts';
import { type Look, ok, problem, skipped, warning } from './finding.ts';
import { programName } from './program.ts';
import { type RunOptions, run } from './run.ts';

const launcherName = 'pilos_post_publish.rb';

export interface ScriptsFacts {
  directory: string;
  user: string;
  /** `pilos-post-publish 1.0.0 (…)` of the running program. */
  version: string;
  /** The command that puts launcher and executable in place. */
  install: string;
}

export async function lookAtScripts(facts: ScriptsFacts, options: RunOptions): Promise<Look[]> {
  const scripts = readScripts(facts.directory);
  const launcher = decideLauncher(facts, scripts);
  const executable =
    launcher.state === 'ok'
      ? await lookAtExecutable(facts, options)
      : skipped('executable', programName, 'the launcher is to be mended first');
  return [launcher, executable, decideOthers(facts.directory, scripts)];
}

interface Script {
  name: string;
  kind: ScriptKind;
}

/** `unreadable`: the user of BBB may not read it, so it does not run either. */
export type ScriptKind = 'ours' | 'pilos' | 'scalelite' | 'other' | 'unreadable';

/** The scripts that BBB runs, undefined without their directory. */
function readScripts(directory: string): Script[] | undefined {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.rb') && !name.startsWith('.'));
    return names.sort().map((name) => ({ name, kind: readKind(`${directory}/${name}`, name) }));
  } catch {
    return undefined;
  }
}

function readKind(file: string, name: string): ScriptKind {
  try {
    return classifyScript(name, readFileSync(file, 'utf8'));
  } catch {
    return 'unreadable';
  }
}

/** What a post publish script is, from what it says. */
export function classifyScript(name: string, text: string): ScriptKind {
  if (isLauncher(text)) return 'ours';
  if (/pilos\.yml|pilos-sub-spool-dir/.test(text) || /pilos/i.test(name)) return 'pilos';
  if (/scalelite\.yml/.test(text) || /scalelite/i.test(name)) return 'scalelite';
  return 'other';
}

function decideLauncher({ directory, user, install }: ScriptsFacts, scripts: Script[] | undefined): Look {
  const file = `${directory}/${launcherName}`;
  const lookedAt = `launcher: ${file}`;
  const wrong = (text: string, fix = install) =>
    problem('launcher', lookedAt, EXIT.config, { problem: text, fix });
  if (scripts === undefined) {
    const closed = findClosed(directory);
    if (closed !== undefined)
      return wrong(`${user} may not read ${closed}`, `chmod a+rX ${shellQuote([closed])}`);
    return wrong(
      `${directory} is not there: BBB's recording scripts are not installed`,
      `apt-get install --reinstall bbb-record-core && ${install}`,
    );
  }
  const kind = scripts.find(({ name }) => name === launcherName)?.kind;
  if (kind === undefined) return wrong('it does not exist: BBB does not call this program');
  if (kind === 'unreadable') return wrong(`${user} may not read it`, `chmod a+r ${shellQuote([file])}`);
  if (kind !== 'ours')
    return wrong("it is PILOS' own script, or somebody else's: BBB does not call this program");
  return ok('launcher', lookedAt);
}

/** The launcher starts the executable beside itself, where it really lies. */
async function lookAtExecutable(facts: ScriptsFacts, options: RunOptions): Promise<Look> {
  const file = `${dirname(realpathSync(`${facts.directory}/${launcherName}`))}/${programName}`;
  const lookedAt = `executable: ${file}`;
  const wrong = (text: string, fix: string) =>
    problem('executable', lookedAt, EXIT.config, { problem: text, fix });
  if (!existsSync(file))
    return wrong('it does not exist, so every call of the launcher fails', facts.install);
  if (!isExecutable(file)) return wrong(`${facts.user} may not run it`, `chmod a+rx ${shellQuote([file])}`);
  if (!isSea() || (await hasSameContent(file, process.execPath))) return ok('executable', lookedAt);
  const { stdout } = await run([file, '--version'], options);
  return warning('executable', lookedAt, {
    problem: `it is another one, '${stdout.trim().slice(0, 200)}', than this, '${facts.version}'`,
    fix: facts.install,
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** BBB runs every script that ends in `.rb`. */
function decideOthers(directory: string, scripts: Script[] | undefined): Look {
  const lookedAt = `other scripts in ${directory} that send recordings`;
  const others = (scripts ?? []).filter(({ name }) => name !== launcherName);
  const again = others.filter(({ kind }) => kind === 'pilos' || kind === 'ours').map(({ name }) => name);
  const scalelite = others.filter(({ kind }) => kind === 'scalelite').map(({ name }) => name);
  const asideCommand = (names: readonly string[]) => {
    const files = names.map((name) => shellQuote([`${directory}/${name}`]));
    return files.map((file) => `mv ${file} ${file}.replaced`).join(' && ');
  };
  if (again.length > 0) {
    const names = [...again, ...scalelite];
    return problem('other-scripts', lookedAt, EXIT.config, {
      problem: `every recording is sent twice: ${names.join(', ')} sends it, too`,
      fix: asideCommand(names),
    });
  }
  if (scalelite.length === 0) return ok('other-scripts', `no ${lookedAt}`);
  return warning('other-scripts', lookedAt, {
    problem: `${scalelite.join(', ')} sends every recording, too, and marks it as sent after its first format: wrong unless this server belongs to a Scalelite as well`,
    fix: asideCommand(scalelite),
  });
}
