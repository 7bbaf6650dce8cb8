/** Whether published files are the delivered ones is read from their bytes once, and not by every run of the timer. */
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readContentChecksum } from '../../../hook/archive/content-checksum.ts';
import { readPublishedFormats } from '../../../hook/bbb/bbb.ts';
import { planDeliveredArchive, refreshContent } from '../../../hook/delivery/content.ts';
import { openLedger } from '../../../hook/delivery/ledger.ts';
import { validateMetadata } from '../../../hook/pilos/metadata-rules.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';

const createTree = useBbbTrees();
const { signal } = new AbortController();

/** A recording that was delivered, and whose slides have changed since; its files keep their times and sizes. */
async function createOutdated() {
  const tree = createTree();
  const meeting = tree.addMeeting({ files: { 'slides.txt': 'one' } });
  const { publishedDir, recordingDir, workDir } = tree;
  const config = { publishedDir, recordingDir, replacesRecordings: false };
  const [published] = readPublishedFormats(config, meeting.id as never, 'presentation' as never);
  if (published === undefined) throw new Error('nothing is published');
  const { directory, format, recordId } = published;
  const checkMetadata = (bytes: Buffer) => validateMetadata(bytes, { recordId, format, directory });
  const checksum = await readContentChecksum(directory, `${format}/${recordId}`, { checkMetadata }, signal);
  const { fingerprint } = planDeliveredArchive(published);
  const ledger = openLedger(workDir);
  const delivered = { bytes: 1, seconds: 1, destination: '/spool', name: 'x.tar', stamp: 'earlier' };
  ledger.recordDelivery(published, { at: new Date().toISOString(), ...delivered, fingerprint, checksum });
  const write = (text: string, time: number) => {
    const file = join(directory, 'slides.txt');
    writeFileSync(file, text);
    utimesSync(file, time, time);
  };
  const refresh = async () => {
    await refreshContent(config, ledger, published, signal);
    return ledger.read(published)?.delivered;
  };
  return { write, refresh, directory, fingerprint: () => planDeliveredArchive(published).fingerprint };
}

it('is not read again while names, sizes and times are those of what was read', async () => {
  const { write, refresh, fingerprint } = await createOutdated();
  write('two', 1_700_000_000);
  expect(await refresh()).toMatchObject({ stamp: 'earlier', differing: fingerprint() });
  // Whoever read this would find the delivered bytes.
  write('one', 1_700_000_000);
  expect(await refresh()).toMatchObject({ stamp: 'earlier', differing: fingerprint() });
});

it('is read again when one of them has changed', async () => {
  const { write, refresh, directory } = await createOutdated();
  write('two', 1_700_000_000);
  await refresh();
  write('one', 1_700_000_001);
  const delivered = await refresh();
  expect(delivered?.stamp).toContain(`${statSync(directory).ino}`);
  expect(delivered?.differing).toBeUndefined();
});
