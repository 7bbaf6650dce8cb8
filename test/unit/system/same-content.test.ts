import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasSameContent } from '../../../hook/system/same-content.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();

it('compares every byte, through links, and a file that is not there with nothing', async () => {
  const bytes = Buffer.alloc((1 << 20) + 1, 'a');
  const one = directory.write('-one', bytes);
  expect(await hasSameContent(one, directory.write('same', bytes))).toBe(true);
  symlinkSync(one, join(directory.path, 'link'));
  expect(await hasSameContent(one, join(directory.path, 'link'))).toBe(true);
  bytes[1 << 20] = 0;
  expect(await hasSameContent(one, directory.write('other', bytes))).toBe(false);
  expect(await hasSameContent(one, directory.write('longer', `${'a'.repeat((1 << 20) + 2)}`))).toBe(false);
  expect(await hasSameContent(one, join(directory.path, 'none'))).toBe(false);
});
