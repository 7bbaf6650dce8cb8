import { describe, expect, it } from 'vitest';
import { parseDuration, parseMoment } from '../../../hook/terminal/time-span.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

describe('parseMoment', () => {
  it.each([
    ['30m', '2026-03-01T11:30:00Z'],
    ['12h', '2026-03-01T00:00:00Z'],
    ['1d', '2026-02-28T12:00:00Z'],
    ['2w', '2026-02-15T12:00:00Z'],
    ['0d', '2026-03-01T12:00:00Z'],
    ['2026-01-31', '2026-01-31T00:00:00Z'],
  ])('reads %s', (value, moment) => {
    expect(new Date(parseMoment('--since', value, now)).toISOString()).toBe(new Date(moment).toISOString());
  });

  it('takes a date with a time for local time', () => {
    const local = new Date(2026, 0, 31, 8, 30).getTime();
    expect(parseMoment('--since', '2026-01-31 08:30', now)).toBe(local);
    expect(parseMoment('--since', '2026-01-31T08:30:15', now)).toBe(local + 15_000);
  });

  it.each([
    '',
    '7',
    'd',
    '7 d',
    '-7d',
    '1.5h',
    '7y',
    '7D',
    '1234567d',
    '7d7h',
    'yesterday',
    '2026-13-01',
    '2026-01-32',
    '31.01.2026',
    '2026-01-31T25:00',
    '7d\n',
    '٧d',
  ])('refuses %j', (value) => {
    const error = expectedErrorOf(() => parseMoment('--since', value, now));
    expect(error.exitStatus).toBe(64);
    expect(error.message).toContain('--since ');
    expect(error.fix).toContain('7d');
  });
});

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['6s', 6000],
    ['90m', 5_400_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
  ])('reads %s', (value, milliseconds) => {
    expect(parseDuration('--pause', value)).toBe(milliseconds);
  });

  it.each(['', '6', 's', '-1s', '1.5s', '1s\n', '2026-01-31', '1234567s'])('refuses %j', (value) => {
    const error = expectedErrorOf(() => parseDuration('--pause', value));
    expect(error).toMatchObject({ exitStatus: 64, message: expect.stringContaining('--pause ') });
  });
});
