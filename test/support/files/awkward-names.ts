/** Published files with every name, type, size and time that has ever broken an archiver. */
import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { awkwardNames, fileSizes, nameLengths, pathLengths } from './awkward-name-table.ts';
import { joinBytes } from './compare-trees.ts';

/**
 * Fills `directory`, which exists, with about 200 files and directories.
 *
 * @param archivedPrefix bytes that an archive puts before each path: `presentation/<meeting id>/` has 68. Long
 *   paths are made with and without it.
 */
export function writeAwkwardFiles(directory: string, archivedPrefix = 68): void {
  const root = Buffer.from(directory);
  for (const name of awkwardNames) write(root, joinBytes(Buffer.from('names'), Buffer.from(name)), 'named');
  for (const length of nameLengths) write(root, `long-names/${'n'.repeat(length)}`, String(length));
  for (const length of nameLengths) write(root, `umlauts/${umlauts(length)}`, String(length));
  for (const length of pathLengths) writeLongPaths(root, length, archivedPrefix);
  for (const size of fileSizes) write(root, `sizes/${size}.bin`, Buffer.alloc(size, 'size'));
  writeDirectories(root);
  writeLinks(root);
  writeModesAndTimes(root);
  // PharData keeps its own things under this name, though only at the top of an archive.
  for (const name of ['.phar/alias.txt', '.phar/stub.php', '.phar/signature.bin']) write(root, name, name);
}

function write(root: Buffer, path: string | Buffer, content: string | Buffer): Buffer {
  const file = joinBytes(root, Buffer.from(path));
  const parent = file.subarray(0, file.lastIndexOf('/'));
  mkdirSync(parent, { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** Two bytes a letter, so that the limits fall into the middle of one. */
function umlauts(length: number): string {
  return (length % 2 === 0 ? '' : 'x') + 'ö'.repeat(Math.floor(length / 2));
}

/** A path of exactly `length` bytes, in which no name is too long for Linux. */
function pathOfLength(length: number, first: string): string {
  let path = `${first}/`;
  while (length - path.length > 200) path += `${'d'.repeat(99)}/`;
  return path + 'f'.repeat(length - path.length);
}

function writeLongPaths(root: Buffer, length: number, prefix: number): void {
  write(root, pathOfLength(length, 'p'), `${length}`);
  if (length - prefix < 10) return;
  write(root, pathOfLength(length - prefix, 'q'), `${length} with the prefix`);
  mkdirSync(joinBytes(root, Buffer.from(pathOfLength(length - prefix, 'empty'))), { recursive: true });
}

function writeDirectories(root: Buffer): void {
  const deep = Array.from({ length: 100 }, (_, level) => `level${level}`).join('/');
  for (const path of [
    'empty directory',
    'nested/empty/directory',
    `${'leer-ö'.repeat(20)}/ `,
    `${deep}/end`,
  ]) {
    mkdirSync(joinBytes(root, Buffer.from(path)), { recursive: true });
  }
  write(root, `${deep}/bottom.txt`, 'deep');
}

function writeLinks(root: Buffer): void {
  const original = write(root, 'links/original.txt', 'the one content of many names');
  write(root, 'links/elsewhere/other.txt', 'in another directory');
  for (const name of ['a-hard-link', 'z-hard-link']) {
    linkSync(original, joinBytes(root, Buffer.from(`links/${name}`)));
  }
  const targets = {
    relative: 'original.txt',
    absolute: original.toString(),
    'into-directory': 'elsewhere/other.txt',
    'up-and-down': '../links/original.txt',
    chain: 'chain-2',
    'chain-2': 'chain-3',
    'chain-3': 'relative',
    directory: 'elsewhere',
    'elsewhere/back': '../original.txt',
  };
  for (const [name, target] of Object.entries(targets)) {
    symlinkSync(target, joinBytes(root, Buffer.from(`links/${name}`)));
  }
}

function writeModesAndTimes(root: Buffer): void {
  for (const mode of [0o4755, 0o2755, 0o755, 0o600, 0o444]) {
    chmodSync(write(root, `modes/${mode.toString(8)}`, 'mode'), mode);
  }
  const times = {
    '1970': 0,
    'before 1970': -86_400,
    fraction: 1_700_000_000.987,
    '2038': 2_147_483_648,
    '2100': 4_102_444_800,
  };
  for (const [name, seconds] of Object.entries(times)) setTime(write(root, `times/${name}`, 'time'), seconds);
  setTime(joinBytes(root, Buffer.from('times')), 0);
}

/** As a Date, because Node takes a negative number for now. */
function setTime(file: Buffer, seconds: number): void {
  const time = new Date(seconds * 1000);
  utimesSync(file, time, time);
}
