/** hook/migrate/meeting-ids.ts: the file as databases and editors write it. */
import { describe, expect, it } from 'vitest';
import { parseMeetingIds, readMeetingIds } from '../../../hook/migrate/meeting-ids.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();

describe('parseMeetingIds', () => {
  it.each([
    ['one id a line', 'a\nb\n', ['a', 'b']],
    ['no end of the last line', 'a\nb', ['a', 'b']],
    ['lines as Windows writes them', 'a\r\nb\r\n', ['a', 'b']],
    ['lines as old Macs wrote them', 'a\rb', ['a', 'b']],
    ['a byte order mark', '\uFEFFa\n', ['a']],
    ['spaces and tabs around an id, as psql aligns them', '  a  \n\tb\u00a0\n', ['a', 'b']],
    ['spaces within an id', 'two words\n', ['two words']],
    ['comments and blank lines', '# rooms\n\n   # more\na\n', ['a']],
    ['a # within an id', 'a#1\nb #2\n', ['a#1', 'b #2']],
    ['nothing', '', []],
  ])('understands %s', (_, text, ids) => {
    expect([...parseMeetingIds(text).ids]).toEqual(ids);
  });

  it('counts lines that repeat an earlier one', () => {
    expect(parseMeetingIds('a\nb\na\r\n a \n# a')).toEqual({ ids: new Set(['a', 'b']), repeated: 2 });
  });
});

describe('readMeetingIds', () => {
  it('reads a file', () => {
    expect([...readMeetingIds(directory.write('ids', 'a\n')).ids]).toEqual(['a']);
  });

  it.each([
    ['has no ids', () => directory.write('ids', '# none yet\n')],
    ['does not exist', () => `${directory.path}/missing`],
    ['is a directory', () => directory.path],
  ])('refuses a file that %s with 64', (problem, file) => {
    const error = expectedErrorOf(() => readMeetingIds(file()));
    expect(error).toMatchObject({ exitStatus: 64, message: expect.stringContaining(problem) });
  });
});
