/** This program as an admin calls it, in a shell. */
import { existsSync, realpathSync } from 'node:fs';
import { isSea } from 'node:sea';
import { type ConfigChoice, chosenBbbFiles, chosenPilosFile } from '../config/chosen-files.ts';
import { packageNote, programName } from '../install/layout.ts';
import { ownCommand } from '../system/own-command.ts';
import { findProgram, quietly } from '../system/paths.ts';
import { shellQuote } from '../system/shell-quote.ts';

/** Without its file, apt cannot install again what did not come from a repository. */
const reinstall = `apt-get install --reinstall ./${programName}_*_"$(dpkg --print-architecture)".deb`;

export function readOwnCommands(choice: ConfigChoice, environment: NodeJS.ProcessEnv) {
  const found = findProgram(programName, environment) ?? '';
  const isFound = isSea() && quietly(() => realpathSync(found) === realpathSync(process.execPath)) === true;
  const program = isFound ? programName : shellQuote(ownCommand());
  const isPackage = existsSync(packageNote);
  const [pilosFile, bbbFiles] = [chosenPilosFile(choice, environment), chosenBbbFiles(choice, environment)];
  const isUsualPilosFile = pilosFile === chosenPilosFile({}, {});
  const isUsual = isUsualPilosFile && bbbFiles.join(':') === chosenBbbFiles({}, {}).join(':');
  const options = ['--config', pilosFile, ...bbbFiles.flatMap((file) => ['--bbb-config', file])];
  return {
    /** With the options that choose the same configuration, where it is not the usual one. */
    configured: isUsual ? program : `${program} ${shellQuote(options)}`,
    /** Puts launcher, executable, timer and `pilos.yml` in place. */
    install: isPackage ? reinstall : `${program} install`,
    /** It writes the `pilos.yml` that is read: no other one is chosen, and dpkg does not own it. */
    writesPilosFile: isUsualPilosFile && !isPackage,
  };
}
