/** How much of `events.xml` is read, what may stand in its place, and when `metadata.xml` serves instead. */
import { closeSync, ftruncateSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { readMeetingMetadata } from '../../../hook/bbb/metadata.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();

const unexpected = (message: string) => {
  throw new Error(`a warning: ${message}`);
};

function read(text: string) {
  return readMeetingMetadata(directory.write('events.xml', text), () => [], unexpected);
}

const element = '<metadata bbb-origin="PILOS" meetingName="Jörg" pilos-sub-spool-dir="i"/>';

describe('the head of events.xml', () => {
  const lead = '<recording>';
  const padding = (length: number) => `<!--${'x'.repeat(length - 7)}-->`;

  it.each([
    ['ends with the first read of 16 KiB', 16 * 1024 - element.length - 1],
    ['begins where the first read ends', 16 * 1024 - lead.length],
    ['is cut in two by the first read', 16 * 1024 - lead.length - 20],
    ['lies behind several reads', 300_000],
    ['ends just before the limit of 1 MiB', 1024 * 1024 - lead.length - element.length - 1],
  ])('is enough when the element %s', (_, length) => {
    expect(read(`${lead}${padding(length)}${element}<event/>`)).toMatchObject({
      origin: 'PILOS',
      meetingName: 'Jörg',
      subDir: 'i',
    });
  });

  it('is given up after 1 MiB', () => {
    const error = expectedErrorOf(() => read(`${lead}${padding(1024 * 1024)}${element}`));
    expect(error.exitStatus).toBe(65);
    expect(error.message).toContain('has no <metadata> in its first 1048576 bytes');
  });

  it.each([1, 2, 3])('is decoded right when the first read cuts a letter after %i bytes', (cut) => {
    // The emoji has four bytes; the first read ends within it.
    const before = `${lead}<metadata bbb-origin="PILOS" meetingName="`;
    const name = 'x'.repeat(16 * 1024 - before.length - cut);
    expect(read(`${before}${name}🎉"/>`).meetingName).toBe(`${name}🎉`);
  });

  it('is all that is read of a file of 300 MB', async () => {
    const file = directory.write('events.xml', `<recording>${element}`);
    const descriptor = openSync(file, 'r+');
    ftruncateSync(descriptor, 300_000_000);
    writeSync(descriptor, '</recording>', 299_999_988);
    closeSync(descriptor);
    // rchar of proc_pid_io(5) counts every byte that the process has read.
    const { value } = await runInChildNode(
      `const { readMeetingMetadata } = await hook('bbb/metadata');
       const { readFileSync } = await import('node:fs');
       const readSoFar = () => Number(/rchar: (\\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
       readSoFar();
       const before = readSoFar();
       const { origin } = readMeetingMetadata(argument, () => [], () => {});
       return { origin, read: readSoFar() - before, peak: process.resourceUsage().maxRSS };`,
      { argument: file },
    );
    expect(value).toMatchObject({ origin: 'PILOS' });
    const { read: bytes, peak } = value as { read: number; peak: number };
    expect(bytes).toBeGreaterThanOrEqual(16 * 1024);
    expect(bytes).toBeLessThan(32 * 1024);
    expect(peak).toBeLessThan(200_000);
  });
});

describe('readMeetingMetadata without a good events.xml', () => {
  const metadataXml = (origin: string, subDir = '') =>
    `<?xml version="1.0"?>\n<recording><id>x</id><meta>\n  <bbb-origin>${origin}</bbb-origin><pilos-sub-spool-dir>${subDir}</pilos-sub-spool-dir>\n</meta></recording>`;

  /** Reads from `events` and these files; returns the warnings too. */
  function readWith(events: string, files: string[]) {
    const warnings: string[] = [];
    const metadata = readMeetingMetadata(
      events,
      () => files,
      (message) => warnings.push(message),
    );
    return { metadata, warnings };
  }

  it('takes the published metadata.xml when events.xml is gone, and says so', () => {
    const file = directory.write('metadata.xml', metadataXml('PILOS', 'a/b'));
    const { metadata, warnings } = readWith(`${directory.path}/gone.xml`, [file]);
    expect(metadata).toMatchObject({ origin: 'PILOS', subDir: 'a/b', source: file });
    expect(warnings).toEqual([
      `${directory.path}/gone.xml does not exist: the metadata was taken from ${file}`,
    ]);
  });

  it('does not ask for metadata.xml, nor warn, when events.xml serves', () => {
    const events = directory.write('events.xml', `<recording>${element}`);
    const asked = () => {
      throw new Error('asked');
    };
    expect(readMeetingMetadata(events, asked, unexpected).origin).toBe('PILOS');
  });

  it('passes over a broken metadata.xml to the one of the next format', () => {
    const events = directory.write('events.xml', '<recording>');
    const broken = directory.write('podcast/metadata.xml', '<recording><meta>');
    const good = directory.write('video/metadata.xml', metadataXml('other'));
    const { metadata, warnings } = readWith(events, [broken, good]);
    expect(metadata.origin).toBe('other');
    expect(warnings.join()).toContain(`${broken} is not well-formed XML`);
    expect(warnings.join()).toContain(`${events} ends before its <metadata> is complete`);
  });

  it('names every file, and why it did not serve, when none says', () => {
    const broken = directory.write('metadata.xml', 'text');
    const error = expectedErrorOf(() =>
      readWith(`${directory.path}/gone.xml`, [broken, `${directory.path}/gone2.xml`]),
    );
    expect(error.exitStatus).toBe(65);
    expect(error.message).toContain('gone.xml does not exist');
    expect(error.message).toContain(`${broken} is not well-formed XML`);
    expect(error.message).toContain('gone2.xml does not exist');
  });

  it('does not wait for a FIFO in its place', async () => {
    await execa('mkfifo', [`${directory.path}/events.xml`, `${directory.path}/metadata.xml`]);
    const error = expectedErrorOf(() =>
      readWith(`${directory.path}/events.xml`, [`${directory.path}/metadata.xml`]),
    );
    expect(error.message).toContain('events.xml is not a regular file');
    expect(error.message).toContain('metadata.xml is not a regular file');
  });

  it.each([
    ['a directory', () => directory.makeDirectory('events.xml'), 'is not a regular file'],
    ['a device', () => '/dev/zero', 'is not a regular file'],
    ['a file as a directory', () => join(directory.write('raw', ''), 'events.xml'), '(ENOTDIR)'],
    ['a loop of symlinks', makeLoop, 'cannot be read (ELOOP)'],
  ])('passes over %s in its place', (_, make, why) => {
    const file = directory.write('metadata.xml', metadataXml('PILOS'));
    const { metadata, warnings } = readWith(make(), [file]);
    expect(metadata.origin).toBe('PILOS');
    expect(warnings.join()).toContain(why);
  });

  function makeLoop(): string {
    symlinkSync('loop', `${directory.path}/loop`);
    return `${directory.path}/loop`;
  }

  it('passes over a file that the user may not read', async () => {
    const events = directory.write('events.xml', `<recording>${element}`, 0o600);
    const { error } = await runInChildNode(
      `const { readMeetingMetadata } = await hook('bbb/metadata');
       return readMeetingMetadata(argument, () => [], () => {});`,
      { argument: events, uid: 65534 },
    );
    expect(error).toMatchObject({ exitStatus: 65 });
    expect(error?.message).toMatch(/events\.xml cannot be read \(EACCES\)/);
  });
});
