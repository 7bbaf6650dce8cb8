/** The man page says what `--help` says, and the readers of man pages understand it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { formatManPage, writeManPage } from '../../../build/man.ts';
import { exitStatuses } from '../../../hook/cli/exit-statuses.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { type Help, readHelps } from '../../support/program/help.ts';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();

const helps: Help[] = [];
beforeAll(async () => {
  helps.push(...(await readHelps()));
  expect(helps.map(({ command }) => command)).toEqual(
    expect.arrayContaining(['deliver', 'install', 'uninstall']),
  );
});

describe('the man page', () => {
  it('has the sections that a reader expects, in their order', () => {
    const sections = [...formatManPage().matchAll(/^\.SH "?([^"\n]+)"?$/gm)].map(([, title]) => title);
    expect(sections).toEqual([
      'NAME',
      'SYNOPSIS',
      'DESCRIPTION',
      'OPTIONS',
      'COMMANDS',
      'EXIT STATUS',
      'FILES',
      'ENVIRONMENT',
      'EXAMPLES',
      'SEE ALSO',
    ]);
  });

  it('is understood without a warning by groff, man and mandoc', async () => {
    const page = writeManPage(directory.path);
    const silent = { status: 0, stderr: '' };
    expect(await runProgram('groff', ['-man', '-ww', '-Tutf8', '-z', page])).toMatchObject(silent);
    for (const columns of ['80', '200']) {
      const read = await runProgram('man', ['--warnings', '-l', page], { env: { MANWIDTH: columns } });
      expect(read).toMatchObject(silent);
    }
    const lint = await runProgram('mandoc', ['-T', 'lint', '-W', 'warning', page]);
    expect({ ...lint, signal: null }).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  });

  it('names every command, option and exit status of --help', async () => {
    const page = writeManPage(directory.path);
    const { stdout } = await runOrThrow('man', ['-l', page], { env: { MANWIDTH: '400' } });
    const text = stdout;
    for (const { command, options } of helps) {
      const part = command === '' ? text : sectionOf(text, command);
      for (const option of options) {
        const place = isGlobal(option) ? text : part;
        expect(place, `${command} ${option}`).toMatch(new RegExp(`^ +(.*, )?${option}( |,|$)`, 'm'));
      }
    }
    for (const [status, meaning] of exitStatuses)
      expect(text.toLowerCase()).toMatch(new RegExp(`^ +${status} +${meaning.toLowerCase()}`, 'm'));
  });

  it('is dated by SOURCE_DATE_EPOCH, so that two builds are the same', () => {
    process.env['SOURCE_DATE_EPOCH'] = '86400';
    try {
      expect(formatManPage()).toContain(' 1 1970-01-02 ');
    } finally {
      delete process.env['SOURCE_DATE_EPOCH'];
    }
  });

  /** From the heading of a command to the next heading. */
  function sectionOf(text: string, command: string): string {
    const [, part = ''] = new RegExp(`^   ${command}\\n(.*?)^ {0,3}\\S`, 'ms').exec(text) ?? [];
    return part;
  }

  function isGlobal(option: string): boolean {
    return helps.every(({ options }) => options.includes(option));
  }
});
