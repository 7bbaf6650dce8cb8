/** The man pages say what `--help` says, and the readers of man pages understand them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeManPages } from '../../../build/man.ts';
import { exitStatuses } from '../../../hook/cli/exit-statuses.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { readHelps } from '../../support/program/help.ts';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();

describe('the man pages', { timeout: 120_000 }, () => {
  it('are one for the program and one for each command, with all its options and exit statuses', async () => {
    const helps = await readHelps();
    expect(helps.length).toBeGreaterThan(3);
    await writeManPages(directory.path);
    const names = helps.map(({ command }) => ['pilos-post-publish', command].filter(Boolean).join('-'));
    expect(readdirSync(directory.path).sort()).toEqual(names.map((name) => `${name}.1`).sort());
    for (const [index, { command, options }] of helps.entries()) {
      const page = join(directory.path, `${names[index]}.1`);
      const text = (await runOrThrow('man', ['-l', page], { env: { MANWIDTH: '400' } })).stdout;
      expect(text).toMatch(new RegExp(`^ +${names[index]} - [a-z]`, 'm'));
      for (const option of options)
        expect(text, `${command} ${option}`).toMatch(new RegExp(`^ +(.*, )?${option}( |,|$)`, 'm'));
      if (command !== '') continue;
      for (const [status, meaning] of exitStatuses)
        expect(text).toMatch(new RegExp(`^ +${status} +${meaning}`, 'm'));
      for (const section of ['DESCRIPTION', 'OPTIONS', 'EXAMPLES', 'FILES', 'ENVIRONMENT', 'SEE ALSO'])
        expect(text).toMatch(new RegExp(`^${section}$`, 'm'));
    }
    // By groff, man and mandoc, without a warning. What mandoc calls a date, help2man writes without a day.
    for (const name of names) {
      const page = join(directory.path, `${name}.1`);
      const silent = { status: 0, stderr: '' };
      expect(await runProgram('groff', ['-man', '-ww', '-Tutf8', '-z', page])).toMatchObject(silent);
      const lint = await runProgram('mandoc', ['-T', 'lint', '-W', 'warning', page]);
      expect(lint.stdout.replace(/^.*cannot parse date.*\n/m, '')).toBe('');
    }
  });

  it('are dated by SOURCE_DATE_EPOCH, so that two builds are the same', async () => {
    process.env['SOURCE_DATE_EPOCH'] = '86400';
    try {
      await writeManPages(directory.path);
    } finally {
      delete process.env['SOURCE_DATE_EPOCH'];
    }
    const page = readFileSync(join(directory.path, 'pilos-post-publish.1'), 'utf8');
    expect(page).toContain('"January 1970"');
  });
});
