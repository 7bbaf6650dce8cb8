/** The files that BBB 3.0 publishes for each format, beside `metadata.xml`; small, but not empty. */
import { createHash } from 'node:crypto';

/** Bytes that look like nothing in particular, the same for the same name. */
function mediaBytes(name: string, size: number): Buffer {
  const block = createHash('sha512').update(name).digest();
  return Buffer.alloc(size, block);
}

const svg = '<svg xmlns="http://www.w3.org/2000/svg" id="svgfile" viewBox="0 0 1600 1200"></svg>\n';

function presentationFiles(publishedId: string): Record<string, string | Buffer> {
  const presentation = `${createHash('sha1').update(publishedId).digest('hex')}-1712758760000`;
  const slides = [1, 2, 3].flatMap((number) => [
    [`presentation/${presentation}/slide-${number}.png`, mediaBytes(`slide ${number}`, 4000 + number)],
    // Below the meeting's id these paths have 145 bytes and more: too long for a plain tar header.
    [`presentation/${presentation}/thumbnails/thumb-${number}.png`, mediaBytes(`thumb ${number}`, 700)],
    [`presentation/${presentation}/textfiles/slide-${number}.txt`, `Folie ${number}: Übersicht\n`],
    [`presentation/${presentation}/svgs/slide${number}.svg`, svg],
  ]);
  return {
    ...Object.fromEntries(slides),
    'shapes.svg': svg,
    'panzooms.xml': '<recording id="panzoom_events"/>\n',
    'cursor.xml': '<recording id="cursor_events"/>\n',
    'deskshare.xml': '<recording id="deskshare_events"/>\n',
    'slides_new.xml':
      '<popcorn><chattimeline in="4" direction="down" name="Jörg" message="Hallo"/></popcorn>\n',
    'presentation_text.json': '{}',
    'captions.json': '[]',
    'polls.json': '[]',
    'external_videos.json': '[]',
    'video/webcams.webm': mediaBytes('webcams', 50_000),
    'deskshare/deskshare.webm': mediaBytes('deskshare', 30_000),
  };
}

/** Path below the published directory → content; a format that BBB does not know gets one file. */
export function formatFiles(format: string, publishedId: string): Record<string, string | Buffer> {
  switch (format) {
    case 'presentation':
      return presentationFiles(publishedId);
    case 'podcast':
      return { 'audio.ogg': mediaBytes('audio', 20_000) };
    case 'video':
      return { 'video-0.m4v': mediaBytes('video', 60_000), 'captions.json': '[]' };
    case 'screenshare':
      return { 'screenshare-0.m4v': mediaBytes('screenshare', 40_000), 'captions.json': '[]' };
    case 'notes':
      return { 'notes.pdf': mediaBytes('notes', 9_000), 'notes.html': '<p>Größe</p>\n' };
    default:
      return { [`${format}.bin`.slice(-64).replaceAll('/', '_')]: mediaBytes(format, 100) };
  }
}
