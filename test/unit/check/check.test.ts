/** What `check` decides, and how it tells it, from facts alone. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inGroup, ok, problem, skipped, warning, worstStatus } from '../../../hook/check/finding.ts';
import { correctPilosFile } from '../../../hook/check/pilos-file.ts';
import { decideUndelivered } from '../../../hook/check/recordings.ts';
import { chooseAppearance, renderReport } from '../../../hook/check/report.ts';
import { classifyScript } from '../../../hook/check/scripts.ts';
import { readSettings, salvagePilos } from '../../../hook/check/settings.ts';
import { decideTimer } from '../../../hook/check/timer.ts';
import { EXIT } from '../../../hook/errors.ts';
import { readEmbeddedFiles } from '../../../hook/install/embedded-files.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const wrong = (status: 73 | 77 | 78) => problem('x', 'x', status, { problem: 'x' });

describe('the exit status', () => {
  it.each([
    [[], 0],
    [[ok('x', 'x'), skipped('x', 'x', 'x'), warning('x', 'x', { problem: 'x' })], 0],
    [[wrong(73)], 73],
    [[wrong(73), wrong(77)], 77],
    [[wrong(73), wrong(77), wrong(78)], 78],
  ])('of %j is %i', (looks, status) => {
    expect(worstStatus(looks)).toBe(status);
  });
});

describe('the text', () => {
  const appearance = { isUnicode: true, isColoured: false, isQuiet: false };
  const mended = { problem: 'it is shut', fix: { command: 'open it', host: 'pilos.example.org' } };
  const findings = inGroup('Spool', [ok('a', 'the door'), problem('b', 'the lock', EXIT.spool, mended)]);

  it('names the server that a command is for', () => {
    expect(renderReport('bigbluebutton', findings, appearance)).toBe(
      `checked as bigbluebutton

Spool
  ✓ the door
  ✗ the lock
      it is shut
      mend it on pilos.example.org: open it

1 problem: begin with the spool (exit status 73)
`,
    );
  });

  it('keeps text from outside on its line, and away from the terminal', () => {
    const hostile = inGroup('Spool', [ok('a', 'x\n\u001b[31m'), warning('b', 'y', { problem: 'z\r\u202e' })]);
    expect(renderReport('x', hostile, appearance)).toContain('x\\x0a\\x1b[31m');
    expect(renderReport('x', hostile, appearance)).toContain('z\\x0d\\u{202e}');
  });

  it.each([
    [{ LANG: 'de_DE.UTF-8' }, true],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
    [{ LC_CTYPE: 'en_US.utf8' }, true],
    [{}, false],
  ])('in the locale %j has signs: %s', (environment, isUnicode) => {
    expect(chooseAppearance(environment, { isTerminal: true, isQuiet: false })).toMatchObject({ isUnicode });
  });

  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ TERM: 'dumb' }, true, false],
  ])('with %j on a terminal: %s has colours: %s', (environment, isTerminal, isColoured) => {
    expect(chooseAppearance(environment, { isTerminal, isQuiet: false })).toMatchObject({ isColoured });
  });
});

describe('a script', () => {
  it.each([
    ['pilos_post_publish.rb', readEmbeddedFiles().launcher, 'ours'],
    ['pilos_post_publish.rb', "YAML.load_file('pilos.yml')", 'pilos'],
    ['other.rb', "metadata['pilos-sub-spool-dir']", 'pilos'],
    ['scalelite_post_publish.rb', 'nothing', 'scalelite'],
    ['post_publish.rb', "'scalelite.yml'", 'scalelite'],
    ['a0_add_files.rb', 'nothing', 'other'],
  ])('%s with %j is %s', (name, text, kind) => {
    expect(classifyScript(name, text)).toBe(kind);
  });
});

const directory = useTemporaryDirectory();

describe('a broken pilos.yml', () => {
  const valid = { work_dir: '/w', spool_dir: '/s' };
  it('still tells what is valid in it', () => {
    expect(salvagePilos({ ...valid, deliver: 'never', retri: 1 })).toMatchObject({
      work_dir: '/w',
      deliver: 'now',
    });
    expect(salvagePilos({ ...valid, spool_dir: 'relative' })).toBeUndefined();
    expect(salvagePilos(undefined)).toBeUndefined();
  });

  it('is corrected by a command where one can', () => {
    const correct = (text: string) => correctPilosFile('/p', text, '/w');
    expect(correct('work_dir: /w\nspol_dir: /s\nretri: {}\n')).toBe(
      "sed -i 's/^spol_dir:/spool_dir:/; s/^retri:/retry:/' /p",
    );
    const append = "printf '\\nwork_dir: %s\\n' /w >> /p";
    expect(correct('spool_dir: /s')).toBe(append);
    expect(correct('spol_dir: /s')).toBe(`sed -i 's/^spol_dir:/spool_dir:/' /p && ${append}`);
  });

  it('is left to an editor when a command would not mend all of it', () => {
    const valid = 'work_dir: /w\nspool_dir: /s\n';
    for (const text of [
      `${valid}retri: {}\ndeliver: never\n`,
      `${valid}retry: {}\nretri: {}\n`,
      `${valid}'retri': {}\n`,
      `${valid}retry: { atempts: 4 }\n`,
      'spool_dir: /s\nwork_dir:\n',
    ])
      expect(correctPilosFile('/p', text, '/w'), text).toBeUndefined();
  });

  it('is a matter of the set-up also where it cannot be read, and of no package where it is not of BBB', () => {
    directory.write('bigbluebutton.yml', 'log_dir: /l\n');
    const [config, ...bbbConfig] = ['pilos.yml', 'bigbluebutton.yml', 'recording.yml'].map((name) =>
      join(directory.path, name),
    );
    directory.makeDirectory('pilos.yml');
    const [pilos, bbb] = readSettings({ config, bbbConfig }, {}, 'install').looks;
    expect(pilos).toMatchObject({
      id: 'pilos-yml',
      exit_status: 78,
      problem: expect.stringContaining('EISDIR'),
    });
    expect(bbb).toMatchObject({
      id: 'bbb-yml',
      exit_status: 78,
      problem: expect.stringContaining('does not exist'),
    });
    expect([pilos?.fix, bbb?.fix]).toEqual([undefined, undefined]);
  });
});

describe('the timer', () => {
  it.each([
    ['enabled', undefined],
    ['disabled', 'systemctl enable --now pilos-post-publish.timer'],
    [
      'masked',
      'systemctl unmask pilos-post-publish.timer && systemctl enable --now pilos-post-publish.timer',
    ],
    ['Failed to get unit file state', 'x install && systemctl enable --now pilos-post-publish.timer'],
  ])('that is %s is mended by %j', (answer, fix) => {
    expect(decideTimer(answer, 'now', 'x install').fix).toBe(fix);
  });

  it('is not said to be missing when systemd cannot be asked', () => {
    const answer = 'Failed to connect to bus: No such file or directory';
    expect(decideTimer(answer, 'later', 'x')).toMatchObject({
      state: 'skipped',
      looked_at: expect.stringContaining(answer),
    });
  });

  it('must be there when it does all the work', () => {
    expect(decideTimer('disabled', 'later', 'x')).toMatchObject({ state: 'problem', exit_status: 78 });
  });
});

describe('recordings', () => {
  const format = { record_id: 'r', format: 'video', attempts: [] };
  const recording = { meeting_id: 'r', name: 'n', external_id: '', sender_done: false };
  const of = (state: 'waiting' | 'processing', date: string, senderDone = false) => ({
    ...{ ...recording, date, sender_done: senderDone },
    formats: [{ ...format, state }],
  });

  it('that BBB still works on are not missing', () => {
    expect(decideUndelivered([of('processing', '2026-01-01')], 'x').state).toBe('ok');
  });

  it('are counted, with the oldest', () => {
    const look = decideUndelivered(
      [of('waiting', '2026-01-02T00:00:00Z'), of('waiting', '2026-01-01T00:00:00Z')],
      'x',
    );
    expect(look).toMatchObject({ state: 'warning', fix: 'x deliver' });
    expect(look.problem).toBe('2 published formats are not delivered, the oldest of 2026-01-01');
  });

  it("that PILOS' own script has sent are noted before the rest is sent", () => {
    const { fix = '' } = decideUndelivered([of('waiting', '2026-01-02', true)], 'x');
    expect(fix).toBe('x adopt && x deliver');
    expect(spawnSync('sh', ['-n', '-c', fix]).status).toBe(0);
  });
});
