import { describe, expect, it } from 'vitest';
import { isFormat, isRecordId, validateFormat, validateRecordId } from '../../../hook/bbb/ids.ts';
import { validateSubDir } from '../../../hook/config/sub-dir.ts';
import {
  hostileNames,
  hostileValues,
  overlongFormat,
  overlongMeetingId,
  overlongSubDir,
} from '../../fixtures/hostile-values.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const meetingId = '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753';

describe('hostile values', () => {
  it('are at least 60, and no two are the same', () => {
    const values = [...hostileValues, ...hostileNames].map(({ value }) => value);
    expect(values.length).toBeGreaterThanOrEqual(60);
    expect(new Set(values).size).toBe(values.length);
  });

  it.each([...hostileValues, ...hostileNames])('are refused as a meeting id: $what', ({ value }) => {
    expect(expectedErrorOf(() => validateRecordId(value))).toMatchObject({ exitStatus: 64 });
    expect(isRecordId(value)).toBe(false);
  });

  it.each([...hostileValues, ...hostileNames])('are refused as a format: $what', ({ value }) => {
    expect(expectedErrorOf(() => validateFormat(value))).toMatchObject({ exitStatus: 64 });
    expect(isFormat(value)).toBe(false);
  });

  it.each(hostileValues)('are refused as a sub directory: $what', ({ value }) => {
    const error = expectedErrorOf(() => validateSubDir(value, undefined));
    expect(error.exitStatus).toBe(65);
    expect(error.fix).toContain('RECORDING_SPOOL_SUB_DIRECTORY');
  });

  it.each(hostileValues)(
    'are refused as a sub directory even when the admin allows it: $what',
    ({ value }) => {
      expect(expectedErrorOf(() => validateSubDir(value, [value])).exitStatus).toBe(65);
    },
  );

  it.each(hostileValues)('come into a message without a control character, and short: $what', ({ value }) => {
    const { message } = expectedErrorOf(() => validateSubDir(value, undefined));
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(message.length).toBeLessThan(300);
  });
});

describe('validateRecordId', () => {
  it.each([meetingId, `${meetingId}-1712758999999`, 'random-4711', 'A.b_C-9', '_x'])(
    'returns %s as it is',
    (value) => {
      expect(validateRecordId(value)).toBe(value);
    },
  );

  it.each(['a..b', 'a.phar', 'a.phar.x', 'a.zip', 'a.zipped'])('refuses %s, for PharData does', (value) => {
    expect(() => validateRecordId(value)).toThrow(/is not a meeting id/);
    expect(() => validateFormat(value)).toThrow(/is not a format/);
  });

  it('takes 140 characters and not one more', () => {
    expect(validateRecordId(overlongMeetingId.slice(1))).toHaveLength(140);
    expect(() => validateRecordId(overlongMeetingId)).toThrow(/is not a meeting id/);
  });

  it('names the option and the value in its message, and the rule in its fix', () => {
    const error = expectedErrorOf(() => validateRecordId('../x\n'));
    expect(error.message).toBe("-m '../x\\x0a' is not a meeting id");
    expect(error.fix).toContain('has at most 140 characters');
  });
});

describe('validateFormat', () => {
  it.each(['presentation', 'podcast', 'video', 'screenshare', 'notes', 'my_format-2.1'])(
    'returns %s as it is',
    (value) => {
      expect(validateFormat(value)).toBe(value);
    },
  );

  it('takes 40 characters and not one more', () => {
    expect(validateFormat(overlongFormat.slice(1))).toHaveLength(40);
    expect(() => validateFormat(overlongFormat)).toThrow(/^-f '.*' is not a format$/);
  });

  it('leaves room for a hidden temporary name of 255 bytes beside the longest meeting id', () => {
    const run = 60;
    const name = `.${overlongMeetingId.slice(1)}-${overlongFormat.slice(1)}.tar.`;
    expect(Buffer.byteLength(name) + run).toBeLessThanOrEqual(255);
  });
});

describe('validateSubDir', () => {
  it.each(['failed', 'public', 'failed/instance1', 'instance1/public', 'a/failed/b'])(
    'refuses %s, a directory of PILOS itself, even when it is allowed',
    (value) => {
      const error = expectedErrorOf(() => validateSubDir(value, [value]));
      expect(error).toMatchObject({ code: 'sub_dir_reserved', exitStatus: 65 });
      expect(error.fix).toContain('RECORDING_SPOOL_SUB_DIRECTORY');
    },
  );

  it.each(['failed1', 'not-public', 'Public', 'publications/failed.old'])('takes %s', (value) => {
    expect(validateSubDir(value, undefined)).toBe(value);
  });

  it.each(['', 'instance1', 'a/b/c', 'Uni_1.x/y-z', 'a..b'])('returns %j as it is', (value) => {
    expect(validateSubDir(value, undefined)).toBe(value);
  });

  it('takes 200 characters and not one more', () => {
    expect(validateSubDir(overlongSubDir.slice(1), undefined)).toHaveLength(200);
    expect(() => validateSubDir(overlongSubDir, undefined)).toThrow(/is not allowed/);
  });

  it('refuses what allowed_sub_dirs does not list, and says what it lists and which key to change', () => {
    expect(validateSubDir('instance1', ['instance1', 'a/b'])).toBe('instance1');
    const error = expectedErrorOf(() => validateSubDir('instance2', ['instance1', 'a/b']));
    expect(error.exitStatus).toBe(65);
    expect(error.message).toContain("'instance2', but allowed_sub_dirs has only instance1, a/b");
    expect(error.fix).toContain('allowed_sub_dirs in pilos.yml');
  });

  it('does not take a directory above or below a listed one for listed', () => {
    expect(() => validateSubDir('a', ['a/b'])).toThrow(/has only a\/b/);
    expect(() => validateSubDir('a/b/c', ['a/b'])).toThrow(/has only a\/b/);
    expect(() => validateSubDir('a', [])).toThrow(/but allowed_sub_dirs is empty/);
  });

  it('lets a meeting without a sub directory pass whatever is listed', () => {
    expect(validateSubDir('', [])).toBe('');
  });
});
