/** hook/delivery/ledger.ts: is what is published now what was delivered? */
import { renameSync, statSync, utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Delivery, isDelivered, type LedgerEntry, readStamp } from '../../../hook/delivery/ledger.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const delivery: Delivery = {
  at: '2024-04-10T14:19:11.753Z',
  bytes: 10_240,
  seconds: 1.5,
  destination: '/mnt/spool',
  name: 'm-1-video.tar',
  fingerprint: 'f',
  stamp: 's',
};

describe('readStamp', () => {
  const published = () => ({ directory: `${directory.path}/published` });

  it('stays the same as long as metadata.xml does', () => {
    directory.write('published/metadata.xml', 'a');
    const stamp = readStamp(published());
    directory.write('published/other.xml', 'b');
    expect(readStamp(published())).toBe(stamp);
    expect(stamp).not.toBe('');
  });

  it.each([
    ['another size', () => directory.write('published/metadata.xml', 'longer')],
    ['another time', () => utimesSync(`${directory.path}/published/metadata.xml`, 1, 1)],
    ['another file of the same size and time', replaceFile],
  ])('changes with %s of metadata.xml', (_, change) => {
    directory.write('published/metadata.xml', 'a');
    const stamp = readStamp(published());
    change();
    expect(readStamp(published())).not.toBe(stamp);
  });

  function replaceFile(): void {
    const original = `${directory.path}/published/metadata.xml`;
    const copy = directory.write('published/copy', 'b');
    utimesSync(copy, statSync(original).atime, statSync(original).mtime);
    renameSync(copy, original);
  }

  it('is empty when the format is gone', () => {
    expect(readStamp(published())).toBe('');
  });
});

describe('isDelivered', () => {
  const entry: LedgerEntry = {
    meeting_id: 'm-1',
    record_id: 'm-1',
    format: 'video',
    state: 'delivered',
    delivered: delivery,
    attempts: [],
  };

  it.each([
    ['what is published now has been delivered', entry, 's', true],
    ['something else is published now', entry, 't', false],
    ['nothing is published any more', { ...entry, delivered: { ...delivery, stamp: '' } }, '', false],
    ['it failed later', { ...entry, state: 'failed' as const }, 's', false],
    ['it waits again', { ...entry, state: 'waiting' as const }, 's', false],
    ['nothing is known', undefined, 's', false],
  ])('when %s', (_, known, stamp, answer) => {
    expect(isDelivered(known, stamp)).toBe(answer);
  });
});
