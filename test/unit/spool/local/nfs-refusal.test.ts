import { describe, expect, it } from 'vitest';
import { ExpectedError } from '../../../../hook/errors.ts';
import { askServer, explainNfsRefusal, modeAllows } from '../../../../hook/spool/local/nfs-refusal.ts';
import { translateErrno } from '../../../../hook/system/errno.ts';

describe('modeAllows', () => {
  const facts = { uid: 997, groups: [997, 2000], owner: 33, group: 2000, mode: 0o42775 };

  it.each([
    ['the group of the directory', {}, true],
    ['another group', { groups: [997] }, false],
    ['the owner', { uid: 33, groups: [33] }, true],
    ['an owner who may not', { uid: 33, mode: 0o42575 }, false],
    ['everybody', { groups: [997], mode: 0o42777 }, true],
    ['root', { uid: 0, mode: 0o40000 }, true],
  ])('for %s', (_, change, answer) => {
    expect(modeAllows({ ...facts, ...change }, 0o3)).toBe(answer);
  });
});

it('sends who is refused to the server: no chmod', () => {
  const fix = askServer('nas:/spool', 997, ' 2000');
  expect(fix).toMatch(/^on nas, check: .*export.*anongid.*manage-gids.* uid 997 .* group 2000 /);
  expect(fix).not.toContain('chmod');
});

describe('explainNfsRefusal', () => {
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES', errno: -13, syscall: 'open' });

  it('leaves permission denied on another file system as it is', () => {
    const error = translateErrno(denied, 'cannot write /proc/x');
    expect(error).toBeInstanceOf(ExpectedError);
    expect(explainNfsRefusal(error, '/proc')).toBe(error);
  });

  it('leaves other errors as they are', () => {
    const error = new TypeError('x');
    expect(explainNfsRefusal(error, '/proc')).toBe(error);
  });
});
