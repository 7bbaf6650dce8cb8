/** A spool, a PILOS behind it, and archives that a test puts there as it likes. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runOrThrow } from '../program/run-program.ts';
import { createPilos, type Pilos, type PilosOptions } from './pilos.ts';

export const recordId = '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753';
export const meetingId = 'bf8d59d9-5a4c-4d0e-9a55-3c8f4f4f0c11';

/** The values of a `metadata.xml`; undefined leaves the element out. */
export interface MetadataValues {
  id: string | undefined;
  meetingId: string | undefined;
  format: string | undefined;
  link: string | undefined;
}

export function metadataXml(values: Partial<MetadataValues> = {}): string {
  const format = values.format ?? 'video';
  const link = `https://bbb.example.org/playback/${format}/${values.id ?? recordId}/`;
  const all: MetadataValues = { id: recordId, meetingId, format, link, ...values };
  const element = (name: string, value: string | undefined) =>
    value === undefined ? '' : `<${name}>${value}</${name}>`;
  const meta = element('meetingId', all.meetingId);
  const playback = element('format', all.format) + element('link', all.link);
  return `<?xml version="1.0"?>
<recording>
  ${element('id', all.id)}<start_time>1712758751753</start_time><end_time>1712762351753</end_time>
  <meta>${meta}<meetingName>Demo</meetingName></meta>
  ${playback === '' ? '' : `<playback>${playback}</playback>`}
</recording>
`;
}

interface ArchiveContent {
  /** Text of `metadata.xml`; false for a directory without. */
  metadata?: string | Buffer | false;
  /** The directory in the archive, `<format>/<record id>`. */
  directory?: string;
  /** Text of the file beside it. */
  video?: string;
}

export interface PilosScene {
  spool: string;
  store: string;
  pilos: Pilos;
  /** Puts an archive into the spool, at once and whole, as a delivery does; returns its path. */
  deliver(name?: string, ...contents: ArchiveContent[]): Promise<string>;
  remove(): void;
}

export const archiveName = `${recordId}-video.tar`;

export async function createPilosScene(options: Partial<PilosOptions> = {}): Promise<PilosScene> {
  const root = mkdtempSync(join(tmpdir(), 'pilos-'));
  // PILOS may run as another user.
  chmodSync(root, 0o755);
  const [spool, store] = [join(root, 'spool'), join(root, 'store')];
  mkdirSync(spool);
  const pilos = await createPilos({ spool, store, meetings: [meetingId], ...options });
  return {
    ...{ spool, store, pilos },
    deliver: (name = archiveName, ...contents) =>
      deliver(root, join(spool, name), contents.length === 0 ? [{}] : contents),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

async function deliver(root: string, archive: string, contents: readonly ArchiveContent[]): Promise<string> {
  const source = mkdtempSync(join(root, 'source-'));
  for (const { metadata, directory = `video/${recordId}`, video = 'a video' } of contents) {
    mkdirSync(join(source, directory), { recursive: true });
    if (metadata !== false) writeFileSync(join(source, directory, 'metadata.xml'), metadata ?? metadataXml());
    writeFileSync(join(source, directory, 'video-0.m4v'), video);
  }
  mkdirSync(dirname(archive), { recursive: true });
  // PharData refuses a member of the name '.'.
  const names = readdirSync(source);
  await runOrThrow('tar', ['-c', '--format=gnu', '-f', `${source}.part`, '-C', source, '--', ...names]);
  renameSync(`${source}.part`, archive);
  rmSync(source, { recursive: true });
  return archive;
}
