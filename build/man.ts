/** A man page for the program and one for each command, made by help2man(1) from what `--help` says. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from '../hook/cli/program.ts';
import { bundle } from './bundle.ts';
import { cacheDirectory, programName, readSourceDate, readVersion } from './project.ts';

/** Writes them into `directory`, which it makes. */
export async function writeManPages(directory: string): Promise<void> {
  mkdirSync(cacheDirectory, { recursive: true });
  const work = mkdtempSync(join(cacheDirectory, 'man-'));
  try {
    const bundled = join(work, 'bundle.cjs');
    writeFileSync(bundled, await bundle());
    mkdirSync(directory, { recursive: true });
    const program = createProgram(async () => undefined);
    const commands = program.createHelp().visibleCommands(program);
    for (const command of [program, ...commands.filter((command) => command.name() !== 'help')]) {
      const words = command === program ? [] : [command.name()];
      const name = [programName, ...words].join('-');
      // help2man titles the page after the file that it runs.
      const wrapper = join(work, name);
      const script = ['#!/bin/sh\nexec', process.execPath, bundled, ...words, '"$@"\n'];
      writeFileSync(wrapper, script.join(' '), { mode: 0o755 });
      const page = help2man(wrapper, command.description(), command === program ? 'program' : 'command');
      writeFileSync(join(directory, `${name}.1`), page);
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** `include`: sections that `--help` does not have. */
function help2man(executable: string, description: string, include: 'program' | 'command'): string {
  const clause = `${description.charAt(0).toLowerCase()}${description.slice(1).replace(/\.$/, '')}`;
  const options = ['--no-info', '--section=1', `--name=${clause}`, `--version-string=${readVersion()}`];
  const file = join(import.meta.dirname, 'man', `${include}.h2m`);
  const env = {
    ...process.env,
    LC_ALL: 'C.UTF-8',
    SOURCE_DATE_EPOCH: String(Math.floor(readSourceDate().getTime() / 1000)),
  };
  return execFileSync('help2man', [...options, `--include=${file}`, executable], { env, encoding: 'utf8' });
}
