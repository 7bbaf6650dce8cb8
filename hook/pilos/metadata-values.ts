/** What PILOS and BBB's player read of a `metadata.xml`. */
import { createHash } from 'node:crypto';
import { findElement, trimXml, type XmlElement } from './strict-xml.ts';

/** The elements that PILOS reads, by their names from the root. */
const readByPilos = {
  id: ['id'],
  start: ['start_time'],
  end: ['end_time'],
  meetingId: ['meta', 'meetingId'],
  meetingName: ['meta', 'meetingName'],
  format: ['playback', 'format'],
  link: ['playback', 'link'],
} as const;

export function findValue(root: XmlElement, key: keyof typeof readByPilos): XmlElement | undefined {
  return findElement(root, ...readByPilos[key]);
}

/** Without white space around it; `''` when it is not there. */
export function readValue(root: XmlElement, key: keyof typeof readByPilos): string {
  return trimXml(findValue(root, key)?.text ?? '');
}

/** PILOS takes path, query and fragment of the link with PHP's `parse_url`, which gives up at a wrong host or port. */
export function isPlayable(link: string): boolean {
  const [, port = '0'] =
    /^(?:[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@:[\]\s]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?)?\/[^/?#]/i.exec(link) ?? [
      '',
      '65536',
    ];
  return Number(port) < 65_536;
}

/**
 * What PILOS and BBB's player read, trimmed, and the link without its host: what `bbb-conf --setip`, a pretty
 * printer or a change of any other value leaves as it is.
 */
export function identityOf(root: XmlElement, mapMeetingId = (meetingId: string) => meetingId): string {
  const keys = Object.keys(readByPilos) as (keyof typeof readByPilos)[];
  const values = new Map(keys.map((key) => [key, readValue(root, key)]));
  values.set('meetingId', mapMeetingId(readValue(root, 'meetingId')));
  values.set('link', readValue(root, 'link').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, ''));
  const { id, name } = findElement(root, 'meeting')?.attributes ?? {};
  const player = [['participants'], ['meta', 'name']].map((names) => findElement(root, ...names)?.text ?? '');
  const facts = [...values.values(), id ?? '', name ?? '', ...player];
  return createHash('sha256')
    .update(JSON.stringify(facts.map(trimXml)))
    .digest('hex');
}
