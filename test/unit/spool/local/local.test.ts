/** hook/spool/local/local.ts: an archive comes into a mounted spool whole, readable for PILOS, or not at all. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { localSpool } from '../../../../hook/spool/local/local.ts';
import { createParcel } from '../../../support/files/parcel.ts';
import { useTemporaryDirectory } from '../../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../../support/program/child-node.ts';
import { expectedRejectionOf } from '../../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const spoolDir = () => directory.makeDirectory('spool');
const deliver = (parcel = createParcel('archive')) =>
  localSpool({ directory: spoolDir(), requireMount: false }).deliver(parcel);

/** Delivers in a child process; its code may prepare things before. */
const deliverInChild = (code: string, uid?: number) =>
  runInChildNode(
    `const { localSpool } = await hook('spool/local/local');
     const { writeSync, statSync, readdirSync } = await import('node:fs');
     const warnings = [];
     const parcel = { name: 'm-1-video.tar', size: 7, subDir: '', signal: new AbortController().signal,
       write: async (target) => writeSync(target, 'archive'), warn: (text) => warnings.push(text), debug() {} };
     ${code}
     await localSpool({ directory: argument, requireMount: false }).deliver(parcel);
     return warnings;`,
    { argument: spoolDir(), ...(uid === undefined ? {} : { uid }) },
  );

describe('a delivery', () => {
  it('ends with the archive under its name, and nothing else in the spool', async () => {
    const parcel = createParcel('archive');
    await deliver(parcel);
    expect(readdirSync(spoolDir())).toEqual(['m-1-video.tar']);
    expect(readFileSync(`${spoolDir()}/m-1-video.tar`, 'utf8')).toBe('archive');
    expect(parcel.warnings).toEqual([]);
  });

  it('writes under a hidden name that does not end in .tar, which PILOS passes over', async () => {
    let during: string[] = [];
    await deliver(
      createParcel('archive', {
        meanwhile: () => {
          during = readdirSync(spoolDir());
        },
      }),
    );
    expect(during).toHaveLength(1);
    expect(during[0]).toMatch(/^\.m-1-video\.tar\.[0-9a-f.]+$/);
    expect(during[0]).not.toMatch(/\.tar$/);
  });

  it('replaces an archive of the same name at once, never in part', async () => {
    await deliver(createParcel('the first one'));
    let during = '';
    await deliver(
      createParcel('the second one', {
        meanwhile: () => {
          during = readFileSync(`${spoolDir()}/m-1-video.tar`, 'utf8');
        },
      }),
    );
    expect(during).toBe('the first one');
    expect(readFileSync(`${spoolDir()}/m-1-video.tar`, 'utf8')).toBe('the second one');
  });

  it('does not touch what else lies in the spool', async () => {
    for (const name of ['other.tar', '.other.tar.part', 'failed/x.tar', '.hidden'])
      directory.write(`spool/${name}`, 'x');
    await deliver();
    expect(readdirSync(spoolDir(), { recursive: true }).sort()).toEqual(
      ['m-1-video.tar', 'other.tar', '.other.tar.part', 'failed', 'failed/x.tar', '.hidden'].sort(),
    );
  });

  it.each([0o000, 0o022, 0o077, 0o777])('gives the mode 0664 also under umask %i', async (umask) => {
    const { value } = await deliverInChild(`process.umask(${umask});
      let during;
      const write = parcel.write;
      parcel.write = async (target) => {
        during = statSync(argument + '/' + readdirSync(argument)[0]).mode & 0o7777;
        await write(target);
        warnings.push(during.toString(8));
      };`);
    expect(value).toEqual(['664']);
    expect((statSync(`${spoolDir()}/m-1-video.tar`).mode & 0o7777).toString(8)).toBe('664');
  });

  it('gives the group of the spool directory, without its setgid bit', async () => {
    chownSync(spoolDir(), 0, 4242);
    await deliver();
    expect(statSync(`${spoolDir()}/m-1-video.tar`).gid).toBe(4242);
    expect(statSync(`${spoolDir()}/m-1-video.tar`).mode & 0o7777).toBe(0o664);
  });

  it('leaves the group to the setgid bit where the user is no member, without a warning', async () => {
    chmodSync(directory.path, 0o755);
    chownSync(spoolDir(), 65534, 4242);
    chmodSync(spoolDir(), 0o2775);
    const { value, error } = await deliverInChild('', 65534);
    expect({ value, error }).toEqual({ value: [] });
    expect(statSync(`${spoolDir()}/m-1-video.tar`)).toMatchObject({ uid: 65534, gid: 4242 });
  });

  it('warns of a wrong group where neither helps, and delivers', async () => {
    chmodSync(directory.path, 0o755);
    chownSync(spoolDir(), 65534, 4242);
    const { value } = await deliverInChild('', 65534);
    expect(value).toEqual([
      expect.stringContaining(`the archive's group is not that of ${spoolDir()} (gid 4242)`),
    ]);
    expect(String(value)).toContain("run 'pilos-post-publish check'");
    expect(statSync(`${spoolDir()}/m-1-video.tar`)).toMatchObject({ gid: 65534, mode: 0o100664 });
  });

  it('goes into a sub directory that exists', async () => {
    directory.makeDirectory('spool/a/b');
    await deliver(createParcel('archive', { subDir: 'a/b' }));
    expect(readdirSync(`${spoolDir()}/a/b`)).toEqual(['m-1-video.tar']);
    expect(readdirSync(spoolDir())).toEqual(['a']);
  });

  it('leaves no file open, however it ends', async () => {
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await deliver();
    const before = openFiles();
    await deliver();
    await expectedRejectionOf(deliver(createParcel('x', { size: 2 })));
    await expect(
      deliver(createParcel('x', { write: () => Promise.reject(new Error('bug')) })),
    ).rejects.toThrow('bug');
    await expectedRejectionOf(deliver(createParcel('x', { subDir: 'missing' })));
    expect(openFiles()).toBe(before);
  });
});

describe('a delivery that fails', () => {
  it.each([
    ['the archive cannot be read', new Error('a bug'), 'a bug'],
    ['it is asked to stop', new Error('SIGTERM'), 'SIGTERM'],
  ])('leaves nothing behind when %s', async (_, error, says) => {
    const write = async (target: number) => {
      writeFileSync(target, 'half');
      throw error;
    };
    await expect(deliver(createParcel('archive', { write }))).rejects.toThrow(says);
    expect(readdirSync(spoolDir())).toEqual([]);
  });

  it('keeps the archive of the same name that is there already', async () => {
    await deliver(createParcel('the first one'));
    const write = () => Promise.reject(new Error('no'));
    await expect(deliver(createParcel('x', { write }))).rejects.toThrow('no');
    expect(readdirSync(spoolDir())).toEqual(['m-1-video.tar']);
    expect(readFileSync(`${spoolDir()}/m-1-video.tar`, 'utf8')).toBe('the first one');
  });

  it.each([6, 8])(
    'does not give its name to an archive of another size: 7 bytes instead of %i',
    async (size) => {
      const error = await expectedRejectionOf(deliver(createParcel('archive', { size })));
      expect(error.exitStatus).toBe(74);
      expect(error.message).toContain(`it has 7 bytes instead of ${size}`);
      expect(readdirSync(spoolDir())).toEqual([]);
    },
  );

  it('says that a directory is in its place', async () => {
    mkdirSync(`${spoolDir()}/m-1-video.tar/x`, { recursive: true });
    const error = await expectedRejectionOf(deliver());
    expect(error.exitStatus).toBe(73);
    expect(error.message).toContain(`${spoolDir()}/m-1-video.tar: a directory is in its place`);
    expect(readdirSync(spoolDir())).toEqual(['m-1-video.tar']);
  });

  it('stops with exit status 75 when the directory is replaced meanwhile, as by a mount', async () => {
    const replace = () => {
      renameSync(spoolDir(), `${directory.path}/before`);
      directory.makeDirectory('spool');
    };
    const error = await expectedRejectionOf(deliver(createParcel('archive', { meanwhile: replace })));
    expect(error.exitStatus).toBe(75);
    expect(error.message).toContain('was replaced or unmounted during the delivery');
    expect(readdirSync(spoolDir())).toEqual([]);
    expect(readdirSync(`${directory.path}/before`)).toEqual([]);
  });

  it('stops when the directory is gone meanwhile, and does not create it again', async () => {
    const remove = () => renameSync(spoolDir(), `${directory.path}/before`);
    const error = await expectedRejectionOf(deliver(createParcel('archive', { meanwhile: remove })));
    expect(error.exitStatus).toBe(75);
    expect(readdirSync(directory.path)).toEqual(['before']);
    expect(readdirSync(`${directory.path}/before`)).toEqual([]);
  });

  it('ends with exit status 77 where the user may not write', async () => {
    chmodSync(directory.path, 0o755);
    const { error } = await deliverInChild('', 65534);
    expect(error).toMatchObject({ exitStatus: 77 });
    expect(error?.message).toContain(`cannot write ${spoolDir()}/.m-1-video.tar.`);
    expect(readdirSync(spoolDir())).toEqual([]);
  });
});
