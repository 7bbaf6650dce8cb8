import { describe, expect, it } from 'vitest';
import { parseArchivesSeen } from '../../../../hook/spool/rsync/read-archives.ts';

/** What rsync prints of a spool in which nothing lies, nor a `failed/` or `public/`. */
const empty = ['.d..t...... ./', ...newIn('')];

function newIn(folder: string, names = ['a.tar', 'b.tar']): string[] {
  return names.map((name) => `<f+++++++++ ${folder}${name}`);
}

const parse = (lines: string[], exitCode = 0) =>
  parseArchivesSeen(['a.tar', 'b.tar'], { stdout: `${lines.join('\n')}\n`, exitCode });
const below = [
  ...['cd+++++++++ failed/', ...newIn('failed/'), 'cd+++++++++ failed/public/', ...newIn('failed/public/')],
  ...['cd+++++++++ public/', ...newIn('public/')],
];

describe('parseArchivesSeen', () => {
  it('finds nothing where every name is listed as new', () => {
    expect(parse([...empty, ...below])).toEqual({
      waiting: new Set(),
      refused: new Set(),
      failedDirectory: 'missing',
    });
  });

  it.each([
    ['listed as changed', ['<f.st...... a.tar', '<f.st...... failed/b.tar']],
    ['listed with equal size', ['<f..t...... a.tar', '<f..t...... failed/b.tar']],
    ['passed over by -no-overwrite', []],
  ])('takes for there what is %s', (_, changed) => {
    const said = [
      ...['.d..t...... ./', '<f+++++++++ b.tar', '.d..t...... failed/', '<f+++++++++ failed/a.tar'],
      ...below.filter((line) => line.includes('public/')),
    ];
    expect(parse([...said, ...changed])).toEqual({
      waiting: new Set(['a.tar']),
      refused: new Set(['b.tar']),
      failedDirectory: 'visible',
    });
  });

  it('says that failed/ is hidden when its files could not be looked at', () => {
    const said = [...empty, '.d..t...... failed/', ...below.filter((line) => line.includes('public/'))];
    expect(parse(said, 23)).toEqual({ waiting: new Set(), refused: new Set(), failedDirectory: 'hidden' });
  });

  it('finds what lies in public/, and what failed from there', () => {
    const said = [...empty, ...below].map((line) =>
      line
        .replace('<f+++++++++ public/a', '<f.st...... public/a')
        .replace('<f+++++++++ failed/public/b', '<f.st...... failed/public/b'),
    );
    expect(parse(said)).toMatchObject({
      waiting: new Set(['a.tar']),
      refused: new Set(['b.tar']),
    });
  });

  it('takes an archive for waiting unless it is said to be gone', () => {
    expect(parse(['.d..t...... ./', '<f+++++++++ b.tar', ...below], 23)).toMatchObject({
      waiting: new Set(['a.tar']),
    });
  });

  it('knows nothing when nothing is said', () => {
    expect(parse([])).toBe('unknown');
    expect(parse(['', 'Welcome to pilos'])).toBe('unknown');
  });

  it('knows a missing directory', () => {
    const said = ['created directory /proc/self/fd/3/x/.', 'cd+++++++++ ./', ...newIn(''), ...below];
    expect(parse(said)).toBe('directory_missing');
  });
});
