/**
 * Headers of a tar archive in GNU format, each a number of blocks of 512 bytes. PharData reads long names right in
 * this format only.
 */

export const block = 512;
const longestPlainName = 99;

/** What a header says; the name has raw bytes, one per character (latin1). */
interface HeaderEntry {
  name: string;
  type: 'file' | 'directory';
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970. */
  mtimeMs: number;
}

/** Bytes that a file of `size` bytes takes in the archive: whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / block) * block;
}

/** Bytes that the header(s) of an entry of this name take. */
export function headerSize(name: string): number {
  return name.length <= longestPlainName ? block : block + padded(name.length + 1) + block;
}

/** The tar header(s) of an entry; its length is a multiple of 512. */
export function encodeHeader(entry: HeaderEntry): Buffer {
  // Unlike `Buffer.alloc`, this takes small ones from a pool.
  const header = Buffer.allocUnsafe(headerSize(entry.name)).fill(0);
  let at = 0;
  if (entry.name.length > longestPlainName) {
    encodeBlock(header, 0, {
      name: '././@LongLink',
      typeflag: 'L',
      mode: 0o644,
      size: entry.name.length + 1,
      mtime: 0,
    });
    header.write(entry.name, block, 'latin1');
    at = header.length - block;
  }
  const isFile = entry.type === 'file';
  encodeBlock(header, at, {
    name: entry.name.slice(0, 100),
    typeflag: isFile ? '0' : '5',
    mode: isFile ? 0o644 : 0o755,
    size: entry.size,
    mtime: seconds(entry.mtimeMs),
  });
  return header;
}

/** The format holds 11 octal digits; times before 1970 become 1970. */
function seconds(milliseconds: number): number {
  return Math.min(Math.max(Math.floor(milliseconds / 1000), 0), 0o77777777777);
}

interface HeaderFields {
  name: string;
  typeflag: string;
  mode: number;
  size: number;
  /** Seconds since 1970, at most 11 octal digits. */
  mtime: number;
}

/** One header block of GNU tar, owner and group 0/0 ("Basic Tar Format" in GNU tar's manual). */
function encodeBlock(buffer: Buffer, at: number, fields: HeaderFields): void {
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  buffer.write(fields.name, at, 100, 'latin1');
  const numbers = `${octal(fields.mode, 7)}0000000\x000000000\0${octal(fields.size, 11)}${octal(fields.mtime, 11)}`;
  buffer.write(`${numbers}        ${fields.typeflag}`, at + 100, 'latin1');
  buffer.write('ustar  \0', at + 257, 'latin1');
  let sum = 0;
  const end = at + 265;
  for (let index = at; index < end; index += 1) sum += buffer[index] as number;
  buffer.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}
