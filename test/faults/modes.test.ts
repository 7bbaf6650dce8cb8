import { expect, it } from 'vitest';
import { printFigure } from '../support/program/test-size.ts';
import { checkRunAsRoot, checkUmasks } from './support/modes.ts';
import { shipped } from './support/program.ts';
import { usePilosHost } from './support/ssh.ts';

const pilosHost = usePilosHost();

it('gives every file the same mode under the umasks 000, 022 and 077', async () => {
  expect(await checkUmasks(shipped)).toEqual([]);
});

it('run as root, leaves no file of root, neither to a mounted spool nor over rsync', async () => {
  expect(await checkRunAsRoot(shipped, pilosHost())).toEqual([]);
  printFigure('modes: 3 umasks; run as root: 4 runs');
});
