/** The bytes of an archive, against those of GNU tar and as tar-stream reads them. */
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { extract, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { encodeHeader } from '../../../hook/archive/tar-header.ts';
import { pack } from '../../support/files/pack.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const prefix = 'video/m-1';

/** Fills `<path>/video/m-1` with files; returns that directory. */
function publish(name: string, files: Record<string, string | Buffer>): string {
  for (const [path, content] of Object.entries({ 'metadata.xml': '<recording/>', ...files }))
    directory.write(`${name}/${prefix}/${path}`, content);
  return `${directory.path}/${name}/${prefix}`;
}

/** What GNU tar makes of the same directory. */
async function gnuTar(name: string): Promise<Buffer> {
  const options = ['--format=gnu', '--sort=name', '--owner=0', '--group=0', '--numeric-owner'];
  const content = ['--mode=a-x,u=rwX,go=rX', '--hard-dereference', '--dereference'];
  const where = [
    '--blocking-factor=1',
    '--directory',
    `${directory.path}/${name}`,
    '--create',
    '--file=-',
    prefix,
  ];
  const { stdout } = await execa('tar', [...options, ...content, ...where], { encoding: 'buffer' });
  return Buffer.from(stdout);
}

/**
 * The archive piece by piece, without the two differences to GNU tar that are meant: a directory's name ends in
 * two slashes, for PharData; and a `@LongLink` has no owner's name, which `--numeric-owner` does not reach there.
 */
function piecesOf(bytes: Buffer): string[] {
  const pieces: string[] = [];
  let longName: string | undefined;
  for (let at = 0; at < bytes.length; ) {
    const header = Buffer.from(bytes.subarray(at, at + 512));
    const type = String.fromCharCode(header[156] ?? 0);
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8) || 0;
    const content = bytes.subarray(at + 512, at + 512 + Math.ceil(size / 512) * 512);
    at += 512 + content.length;
    if (type === 'L') {
      longName = content.toString('latin1').replace(/\/*\0*$/, '');
      header.fill(0, 265, 329);
      header.fill(0, 124, 136);
    }
    if (type === '5') pieces.push(longName ?? header.toString('latin1', 0, 100).replace(/\/*\0*$/, ''));
    if (type === '5') header.fill(0, 0, 100);
    if (type !== '0') header.fill(0, 148, 156);
    if (type !== 'L') longName = undefined;
    pieces.push(header.toString('latin1'), type === 'L' ? (longName ?? '') : content.toString('latin1'));
  }
  return pieces;
}

async function expectSameAsGnuTar(bytes: Buffer): Promise<void> {
  const pieces = piecesOf(bytes);
  expect(pieces.length).toBeGreaterThan(4);
  expect(pieces).toEqual(piecesOf(await gnuTar('a')));
}

async function readBack(bytes: Buffer): Promise<{ header: Header; content: Buffer }[]> {
  const reader = extract({ filenameEncoding: 'latin1' } as never);
  const found: { header: Header; content: Buffer }[] = [];
  reader.on('entry', async (header, stream, next) => {
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    found.push({ header, content: Buffer.concat(parts) });
    next();
  });
  reader.end(bytes);
  await finished(reader);
  return found;
}

const sizes = {
  nothing: '',
  one: 'x',
  full: 'x'.repeat(512),
  over: 'x'.repeat(513),
  large: Buffer.alloc(3_000_000, 7),
};

describe('an archive', () => {
  it('has the same bytes as that of GNU tar', async () => {
    const published = publish('a', {
      ...sizes,
      'sub/deep/file.txt': 'Größe',
      'sub/ä 🎉.txt': 'x',
      '-x': '1',
      '.h': '2',
    });
    mkdirSync(`${published}/empty`);
    chmodSync(`${published}/one`, 0o4777);
    chmodSync(`${published}/sub`, 0o700);
    chownSync(`${published}/full`, 12_345, 54_321);
    utimesSync(`${published}/over`, 1_700_000_000.75, 1_700_000_000.75);
    utimesSync(`${published}/sub`, 0, 0);
    const { bytes } = await pack(published);
    await expectSameAsGnuTar(bytes);
  });

  it.each([95, 98, 99, 101, 102, 155, 156, 255, 256, 257, 511, 512, 513, 1000])(
    'has the same bytes as that of GNU tar with a path of %i bytes',
    async (length) => {
      const inner = length - prefix.length - 1;
      const names = Array.from({ length: Math.ceil(inner / 200) }, (_, n) =>
        'n'.repeat(Math.min(199, inner - n * 200)),
      );
      const published = publish('a', { [names.filter((name) => name !== '').join('/')]: 'content' });
      const { bytes } = await pack(published);
      await expectSameAsGnuTar(bytes);
    },
  );

  it('has the same bytes as that of GNU tar with links, which both store as files', async () => {
    const published = publish('a', { 'a.txt': 'one', 'dir/b.txt': 'two' });
    linkSync(`${published}/a.txt`, `${published}/z.txt`);
    symlinkSync('dir/b.txt', `${published}/file-link`);
    symlinkSync('file-link', `${published}/chain`);
    symlinkSync('dir', `${published}/dir-link`);
    const { bytes } = await pack(published);
    await expectSameAsGnuTar(bytes);
  });

  it('is the same for the same files elsewhere, whatever their owners, modes and order of creation', async () => {
    const files = { 'b.txt': 'b', 'a.txt': 'a', 'sub/c.txt': 'c' };
    const one = publish('one', files);
    const other = publish('other', Object.fromEntries(Object.entries(files).reverse()));
    for (const name of ['metadata.xml', 'a.txt', 'b.txt', 'sub/c.txt', 'sub', ''])
      for (const root of [one, other]) utimesSync(`${root}/${name}`, 1_700_000_000, 1_700_000_000);
    chmodSync(`${other}/a.txt`, 0o700);
    chownSync(`${other}/b.txt`, 1, 2);
    const [first, second] = [await pack(one), await pack(other)];
    expect(first.bytes.equals(second.bytes)).toBe(true);
    expect(first.plan.fingerprint).toBe(second.plan.fingerprint);
  });

  it.each([
    {},
    sizes,
    { [`${'d'.repeat(200)}/${'f'.repeat(255)}`]: 'x', ['g'.repeat(87)]: 'x', ['h'.repeat(90)]: 'x' },
  ])('has exactly the size that the plan says: %#', async (files) => {
    const { plan, bytes } = await pack(publish('a', files));
    expect(bytes.length).toBe(plan.size);
    expect(plan.size % 512).toBe(0);
    expect(plan.files).toBe(Object.keys(files).length + 1);
  });

  it('ends in two empty blocks and no more', async () => {
    const { bytes } = await pack(publish('a', { x: 'x'.repeat(512) }));
    expect(bytes.subarray(-1024).equals(Buffer.alloc(1024))).toBe(true);
    expect(bytes.subarray(-1536, -1024).equals(Buffer.alloc(512))).toBe(false);
  });

  it('is read by tar-stream, entry by entry', async () => {
    const published = publish('a', { 'sub/file': 'content' });
    chmodSync(`${published}/sub/file`, 0o755);
    utimesSync(`${published}/sub/file`, 1_700_000_000, 1_700_000_000.9);
    const entries = await readBack((await pack(published)).bytes);
    expect(entries.map(({ header }) => [header.name.replace(/\/+$/, '/'), header.type])).toEqual([
      ['video/m-1/', 'directory'],
      ['video/m-1/metadata.xml', 'file'],
      ['video/m-1/sub/', 'directory'],
      ['video/m-1/sub/file', 'file'],
    ]);
    const { header, content } = entries[3] ?? { header: undefined, content: undefined };
    expect(content?.toString()).toBe('content');
    expect(header).toMatchObject({
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 7,
      mtime: new Date(1_700_000_000_000),
    });
    expect(entries[2]?.header.mode).toBe(0o755);
  });

  it('keeps the bytes of names that are no UTF-8, short and long', async () => {
    const published = publish('a', {});
    const names = ['latin1 \xe4', '\xff\xfe', `${'\xe4'.repeat(255)}`];
    for (const name of names)
      writeFileSync(Buffer.concat([Buffer.from(`${published}/`), Buffer.from(name, 'latin1')]), 'x');
    const { bytes } = await pack(published);
    const found = (await readBack(bytes)).map(({ header }) => header.name);
    expect(found).toEqual(expect.arrayContaining(names.map((name) => `${prefix}/${name}`)));
    await expectSameAsGnuTar(bytes);
  });

  it('has no pax header and no link entry, whatever the names and links', async () => {
    const published = publish('a', { [`ä${'x'.repeat(200)}`]: '1' });
    linkSync(`${published}/metadata.xml`, `${published}/hard`);
    symlinkSync('metadata.xml', `${published}/soft`);
    const { bytes } = await pack(published);
    const types = new Set<string>();
    for (let at = 0; bytes[at] !== 0; ) {
      types.add(String.fromCharCode(bytes[at + 156] ?? 0));
      at += 512 + Math.ceil(Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8) / 512) * 512;
    }
    expect([...types].sort()).toEqual(['0', '5', 'L']);
  });
});

describe('encodeHeader', () => {
  it.each([
    [99, 512],
    [100, 1536],
    [511, 1536],
    [512, 2048],
  ])('of a name of %i bytes has %i bytes', (length, size) => {
    const header = encodeHeader({ name: 'n'.repeat(length), type: 'file', size: 1, mtimeMs: 0 });
    expect(header.length).toBe(size);
    expect(header.toString('latin1', size - 512, size - 412)).toBe(
      'n'.repeat(Math.min(length, 100)).padEnd(100, '\0'),
    );
  });

  it('gives a file from before 1970 the time 1970', () => {
    const header = encodeHeader({ name: 'x', type: 'file', size: 0, mtimeMs: -86_400_000 });
    expect(header.toString('latin1', 136, 148)).toBe('00000000000\0');
  });

  it('holds the largest size and time of eleven octal digits', () => {
    const largest = 0o77777777777;
    const header = encodeHeader({ name: 'x', type: 'file', size: largest, mtimeMs: largest * 1000 });
    expect(header.toString('latin1', 124, 148)).toBe('77777777777\x0077777777777\0');
  });
});
