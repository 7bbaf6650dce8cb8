/** hook/system/errno.ts: the names of errors. */
import { expect, it } from 'vitest';
import { errnoName } from '../../../hook/system/errno.ts';

const systemError = (errno: number, code: string) =>
  Object.assign(new Error('x'), { errno, code, syscall: 'write' });

it.each([
  [-11, 'EAGAIN', 'EAGAIN'],
  [-95, 'ENOTSUP', 'ENOTSUP'],
  [-28, 'ENOSPC', 'ENOSPC'],
  [-116, 'Unknown system error -116', 'ESTALE'],
  [-122, 'Unknown system error -122', 'EDQUOT'],
  [-9999, 'Unknown system error -9999', 'Unknown system error -9999'],
])('calls the error %i %s as %s', (errno, code, name) => {
  expect(errnoName(systemError(errno, code))).toBe(name);
});

it('has no name for what is no error of a system call', () => {
  expect(errnoName(new Error('x'))).toBeUndefined();
  expect(errnoName('x')).toBeUndefined();
});
