import { describe, expect, it } from 'vitest';
import type { RecordingStatus } from '../../../hook/status/status.ts';
import { formatRow, formatTable } from '../../../hook/status/status-table.ts';
import { cut, displayWidth } from '../../../hook/terminal/display-width.ts';
import { escapeText } from '../../../hook/terminal/escape.ts';

const at = '2024-04-10T15:00:00.000Z';

const hostile: [string, string][] = [
  ['a newline', 'a\nb'],
  ['an ANSI escape', '\x1b[2J\x1b[31mred'],
  ['text turned around', 'abc\u202Edcba'],
  ['wide characters', '高等数学'.repeat(20)],
  ['emoji', '👩‍👩‍👧‍👦🎓'.repeat(10)],
  ['combining marks', `Z${'\u0335'.repeat(500)}algo`],
  ['a very long name', 'x'.repeat(10_000)],
  ['nothing', ''],
  ['a tab and NUL', 'a\tb\0c'],
];

describe('formatTable', () => {
  const recording = (name: string): RecordingStatus => ({
    meeting_id: `${'a'.repeat(40)}-1712758751753`,
    external_id: '',
    name,
    date: at,
    formats: [
      { record_id: `${'a'.repeat(40)}-1712758751753`, format: 'video', state: 'waiting', attempts: [] },
    ],
    sender_done: false,
  });
  const table = (name: string, width: number | undefined) => [
    ...formatTable([formatRow(recording(name)), formatRow(recording('plain'))], { width, colours: false }),
  ];

  describe.each([30, 80, 139, 140, 200, 400])('at %d columns', (width) => {
    it.each(hostile)('keeps its lines and its width with %s in a name', (_, name) => {
      const lines = table(name, width);
      // A heading, then both recordings.
      expect(lines).toHaveLength(width < 140 ? 3 * 3 : 3);
      for (const line of lines) {
        expect(displayWidth(line)).toBeLessThanOrEqual(width);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }
    });
  });

  it('says at 80 columns what its three lines are, each below its heading', () => {
    const id = `${'a'.repeat(40)}-1712758751753`;
    const [heading, ids, formats, first, ...others] = table('plain', 80);
    expect(heading).toMatch(/^DATE {14}NAME {54}SIZE$/);
    expect([ids, formats]).toEqual(['  MEETING ID', '  FORMATS']);
    expect(first).toMatch(/^2024-04-10 \d\d:00 {2}plain {56}-$/);
    expect(others.slice(0, 2)).toEqual([`  ${id}`, '  video waiting']);
  });

  it('shortens an id where the whole does not fit, to a beginning that names it', () => {
    expect(table('plain', 30)[4]).toBe(`  ${'a'.repeat(27)}…`);
  });

  it.each(hostile)('has its columns below each other in a pipe with %s in a name', (_, name) => {
    const [heading = '', ...lines] = table(name, undefined);
    const columnOf = (line: string, mark: string) => displayWidth(line.slice(0, line.indexOf(mark)));
    expect(lines).toHaveLength(2);
    const [own = '', other = ''] = lines;
    expect(columnOf(other, 'aaaa')).toBe(columnOf(heading, 'MEETING ID'));
    if (displayWidth(escapeText(name)) <= 80)
      expect(columnOf(own, 'aaaa')).toBe(columnOf(heading, 'MEETING ID'));
    expect(own).toContain(escapeText(name));
  });
});

describe('cut', () => {
  it.each([
    ['plain', 5, 'plain'],
    ['plain', 4, 'pla…'],
    ['plain', 1, '…'],
    ['plain', 0, ''],
    ['plain', -3, ''],
    ['Übung', 4, 'Übu…'],
    ['漢字漢字', 8, '漢字漢字'],
    ['漢字漢字', 7, '漢字漢…'],
    ['漢字漢字', 6, '漢字…'],
    ['e\u0301e\u0301e\u0301', 3, 'e\u0301e\u0301e\u0301'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ])('cuts %s to %d columns', (text, width, expected) => {
    expect(cut(text, width)).toBe(expected);
  });

  it('leaves a dozen of the marks that are stacked on one letter', () => {
    expect(cut(`a${'\u0335'.repeat(100)}b`, 10)).toBe(`a${'\u0335'.repeat(11)}b`);
  });
});
