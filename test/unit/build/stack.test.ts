/** Stack traces of the executable, which carries no names of its functions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { outputDirectory, programName, projectDirectory } from '../../../build/project.ts';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';

it('are translated into the lines of the source', async () => {
  const { stderr } = await runProgram(join(outputDirectory, programName), ['--verbose', '-m', '../x']);
  const [place = ''] = /^ {4}at .*/m.exec(stderr) ?? [];
  expect(place).toContain(`${programName}:`);
  const tool = join(projectDirectory, 'build/stack.ts');
  const { stdout } = await runOrThrow(process.execPath, [tool], { input: stderr });
  const [, file = '', line = ''] = /\bat \S+ \((hook\/[^:]*):(\d+):\d+\)/.exec(stdout) ?? [];
  const source = readFileSync(join(projectDirectory, file), 'utf8').split('\n')[Number(line) - 1];
  expect(source).toContain('new ExpectedError(');
  expect(stdout).not.toMatch(new RegExp(`${programName}:\\d`));
});
