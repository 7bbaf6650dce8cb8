/** This program as an admin calls it, and where it lies. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSea } from 'node:sea';
import { type ConfigChoice, chosenBbbFiles, chosenPilosFile } from '../config/chosen-files.ts';
import { packageNote, scriptsDirectory } from '../install/layout.ts';
import { ownCommand } from '../system/own-command.ts';
import { findProgram, quietly } from '../system/paths.ts';
import { shellQuote } from '../system/shell-quote.ts';

export const programName = 'pilos-post-publish';

export type OwnCommands = ReturnType<typeof readOwnCommands>;

/** This program as an admin calls it, in a shell. */
export function readOwnCommands(choice: ConfigChoice, environment: NodeJS.ProcessEnv) {
  const found = findProgram(programName, environment);
  const isFound =
    found !== undefined &&
    isSea() &&
    quietly(() => realpathSync(found) === realpathSync(process.execPath)) === true;
  const program = isFound ? programName : shellQuote(ownCommand());
  const [pilosFile, bbbFiles] = [chosenPilosFile(choice, environment), chosenBbbFiles(choice, environment)];
  const isUsualPilosFile = pilosFile === chosenPilosFile({}, {});
  const isUsual = isUsualPilosFile && bbbFiles.join(':') === chosenBbbFiles({}, {}).join(':');
  const options = ['--config', pilosFile, ...bbbFiles.flatMap((file) => ['--bbb-config', file])];
  return {
    /** With the options that choose the same configuration, where it is not the usual one. */
    configured: isUsual ? program : `${program} ${shellQuote(options)}`,
    /** Puts launcher, executable, timer and `pilos.yml` in place. */
    install: installCommand(program),
    /** It writes the `pilos.yml` that is read: no other one is chosen, and dpkg does not own it. */
    writesPilosFile: isUsualPilosFile && !existsSync(packageNote),
  };
}

/** Where BBB's scripts are: beside its configuration, or else where its packages put them. */
export function findScripts(bbbFiles: readonly string[]): string {
  const folders = bbbFiles.map((file) => dirname(file));
  const beside = folders.find((folder) => existsSync(`${folder}/post_publish`));
  return beside ?? folders.find((folder) => folder.endsWith(scriptsDirectory)) ?? scriptsDirectory;
}

function installCommand(program: string): string {
  if (existsSync(packageNote)) {
    // Without its file, apt cannot install again what did not come from a repository.
    return `apt-get install --reinstall ./${programName}_*_"$(dpkg --print-architecture)".deb`;
  }
  return `${program} install`;
}
