/** The alerts of examples/, by Prometheus' own promtool. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectDirectory } from '../../../build/project.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();

it.each(['check', 'test'])(
  'promtool %s rules: each fires when it is to, and at no other time',
  async (what) => {
    const rules = join(directory.path, 'prometheus-alerts.yml');
    const tests = join(directory.path, 'prometheus-alerts.test.yml');
    copyFileSync(join(projectDirectory, 'examples/prometheus-alerts.yml'), rules);
    copyFileSync(join(projectDirectory, 'test/fixtures/prometheus-alerts.test.yml'), tests);
    const { status, stdout, stderr } = await runProgram('promtool', [
      what,
      'rules',
      what === 'test' ? tests : rules,
    ]);
    expect({ status, stdout, stderr }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('SUCCESS'),
    });
  },
);
