/** hook/migrate/meeting-map.ts: the file of `--map`. */
import { describe, expect, it } from 'vitest';
import { parseMeetingMap } from '../../../hook/migrate/meeting-map.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const parse = (text: string) => Object.fromEntries(parseMeetingMap(text, 'map.txt'));

describe('parseMeetingMap', () => {
  it.each([
    ['spaces', 'a  b\nc d\n'],
    ['tabs and lines of Windows', '\uFEFFa\tb\r\nc\td'],
    ['commas', 'a,b\nc , d'],
    ['comments, blank lines and repetitions', '# ids\n\n a b \nc d\na b\n'],
  ])('takes %s', (_, text) => {
    expect(parse(text)).toEqual({ a: 'b', c: 'd' });
  });

  it.each([
    ['one id', 'a b\nc\n', "--map 'map.txt', line 2: 'c' is not two ids"],
    ['three', 'a b c', "line 1: 'a b c' is not two ids"],
    ['an empty one', 'a,', "line 1: 'a,' is not two ids"],
    ['a control character', 'a b\u0001', "line 1: 'a b\\x01' is not two ids"],
    ['an id with two meanings', 'a b\na c', "line 2: 'a' has another id above"],
    ['nothing', '# none\n', "--map 'map.txt' has no ids"],
  ])('refuses %s', (_, text, message) => {
    const error = expectedErrorOf(() => parse(text));
    expect(error).toMatchObject({ code: 'map_invalid', exitStatus: 64 });
    expect(error.message).toContain(message);
  });
});
