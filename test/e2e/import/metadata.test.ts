/** What PILOS could not import, or would misfile, is refused before the first byte, over every kind of spool. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createImportLane, type ImportLane, laneNames } from '../../support/pilos/import-lane.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';

const host = useRsyncHost();
const lanes: ImportLane[] = [];
afterEach(() => {
  for (const { tree, spool } of lanes.splice(0)) {
    tree.remove();
    rmSync(join(spool, 'failed'), { recursive: true, force: true });
    rmSync(join(host.pilosUser.home, 'store'), { recursive: true, force: true });
  }
});

/** What is done to a `metadata.xml` as BBB writes it, and the code of the error. */
const rows: [what: string, change: (text: string) => string | Buffer, code: string][] = [
  ['is cut off', (text) => text.slice(0, -20), 'metadata_not_well_formed'],
  [
    'has a raw &',
    (text) => text.replace('</meetingName>', ' & more</meetingName>'),
    'metadata_not_well_formed',
  ],
  [
    'has a control character',
    (text) => text.replace('</meetingName>', '\x01</meetingName>'),
    'metadata_not_well_formed',
  ],
  ['has &#x0;', (text) => text.replace('</meetingName>', '&#x0;</meetingName>'), 'metadata_not_well_formed'],
  [
    'is not UTF-8',
    (text) => Buffer.from(text.replace('</meetingName>', 'ü</meetingName>'), 'latin1'),
    'metadata_not_utf8',
  ],
  ['is empty', () => '', 'metadata_missing'],
  [
    'has a link without a path',
    (text) => text.replace(/<link>.*?<\/link>/s, '<link>https://host</link>'),
    'metadata_link_without_path',
  ],
  [
    'has no meetingId',
    (text) => text.replace(/<meetingId>.*?<\/meetingId>/s, ''),
    'metadata_meeting_id_missing',
  ],
  ['has an <id> with ../', (text) => text.replace(/<id>.*?<\/id>/s, '<id>../x</id>'), 'metadata_id_mismatch'],
  [
    'has the <id> of another recording',
    (text) => text.replace(/<id>.*?<\/id>/s, '<id>another</id>'),
    'metadata_id_mismatch',
  ],
  [
    'has another <format>',
    (text) => text.replace(/<format>.*?<\/format>/s, '<format>video</format>'),
    'metadata_format_mismatch',
  ],
  ['has no <playback>', (text) => text.replace(/<playback>.*<\/playback>/s, ''), 'metadata_playback_missing'],
];

describe.each(laneNames)('over a spool that is %s', (name) => {
  it('every row of the table is an error with its code and 65, and nothing arrives', async () => {
    const lane = await createImportLane(host, name);
    lanes.push(lane);
    const { meeting, run, spool } = lane;
    const file = join(meeting.published('presentation'), 'metadata.xml');
    const original = readFileSync(file, 'utf8');
    for (const [what, change, code] of rows) {
      writeFileSync(file, change(original));
      const { status, stdout } = await run('-m', meeting.id, '-f', 'presentation', '--json');
      const { results } = JSON.parse(stdout) as { results: { error?: { code: string } }[] };
      expect({ what, status, code: results[0]?.error?.code }).toEqual({ what, status: 65, code });
      expect(existsSync(join(spool, `${meeting.id}-presentation.tar`)), what).toBe(false);
    }
    expect(await lane.state()).toBe('failed');
  });

  it('white space around the values is removed in the archive, and PILOS plays the recording', async () => {
    const lane = await createImportLane(host, name);
    lanes.push(lane);
    const { meeting, run, pilos } = lane;
    const file = join(meeting.published('presentation'), 'metadata.xml');
    const pretty = readFileSync(file, 'utf8').replaceAll(
      /<(id|meetingId|format|link)>(.*?)<\//gs,
      '<$1>\n    $2\n  </',
    );
    writeFileSync(file, pretty);
    const { status, stderr } = await run('-m', meeting.id);
    expect(status).toBe(0);
    expect(stderr).toContain('has white space around its values');
    await pilos.importOnce();
    expect(pilos.format(meeting.id, 'presentation')?.isPlayable).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(pretty);
  });
});
