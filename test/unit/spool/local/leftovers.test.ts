/** hook/spool/local/local.ts: temporary files of killed runs go, those of living runs stay. */
import { readdirSync, utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { localSpool } from '../../../../hook/spool/local/local.ts';
import { createRunToken } from '../../../../hook/system/run-token.ts';
import { createParcel } from '../../../support/files/parcel.ts';
import { useTemporaryDirectory } from '../../../support/files/temporary-directory.ts';
import { nextLine, runInChildNode, startChildNode } from '../../../support/program/child-node.ts';

const directory = useTemporaryDirectory();
const spoolDir = () => directory.makeDirectory('spool');
const week = 7 * 24 * 3600;

/** Delivers, and returns the warnings. */
async function deliver(): Promise<string[]> {
  const parcel = createParcel('archive');
  await localSpool({ directory: spoolDir(), requireMount: false }).deliver(parcel);
  return parcel.warnings;
}

const tokenOfEndedRun = async () =>
  String((await runInChildNode("return (await hook('system/run-token')).createRunToken();")).value);

describe('temporary files in the spool', () => {
  it('of a run that was killed in the middle are removed by the next one, which says so', async () => {
    const killed = startChildNode(
      `const { localSpool } = await hook('spool/local/local');
       const parcel = { name: 'm-1-notes.tar', size: 7, subDir: '', signal: new AbortController().signal, warn() {}, debug() {},
         write: () => { say('writing'); return new Promise((resolve) => setTimeout(resolve, 60000)); } };
       await localSpool({ directory: argument, requireMount: false }).deliver(parcel);`,
      { argument: spoolDir() },
    );
    expect(await nextLine(killed)).toBe('writing');
    const [leftover = ''] = readdirSync(spoolDir());
    expect(leftover).toMatch(/^\.m-1-notes\.tar\./);
    expect(await deliver()).toEqual([]);
    expect(readdirSync(spoolDir())).toEqual([leftover, 'm-1-video.tar']);
    killed.child.kill('SIGKILL');
    await killed.result;
    expect(await deliver()).toEqual([`removed ${spoolDir()}/${leftover}, which a killed run left behind`]);
    expect(readdirSync(spoolDir())).toEqual(['m-1-video.tar']);
  });

  it('of another server stay, until nobody has written them for a week', async () => {
    const foreign = createRunToken().split('.').with(0, '00000000').join('.');
    const file = directory.write(`spool/.m-1-notes.tar.${foreign}`, 'half');
    expect(await deliver()).toEqual([]);
    const longAgo = Date.now() / 1000 - week - 60;
    utimesSync(file, longAgo, longAgo);
    expect(await deliver()).toEqual([`removed ${file}, which a killed run left behind`]);
  });

  it('stay when they are not our own, or look only a little like it', async () => {
    const token = await tokenOfEndedRun();
    const names = [
      '.m-1-video.tar.Xa3b5Z',
      '.m-1-video.tar',
      `m-1-video.tar.${token}`,
      `.m-1-video.${token}`,
      `.m-1-video.tar.${token}.bak`,
      `..tar.${token}`,
      '.~tmp~',
      'm-1-notes',
    ];
    for (const name of names) directory.write(`spool/${name}`, 'x');
    expect(await deliver()).toEqual([]);
    expect(readdirSync(spoolDir()).sort()).toEqual([...names, 'm-1-video.tar'].sort());
  });

  it('of other recordings are removed too, but not those in another sub directory', async () => {
    const token = await tokenOfEndedRun();
    directory.write(`spool/.m-2-notes.tar.${token}`, 'x');
    directory.write(`spool/a/.m-3-notes.tar.${token}`, 'x');
    expect(await deliver()).toHaveLength(1);
    expect(readdirSync(spoolDir(), { recursive: true }).sort()).toEqual(
      ['a', `a/.m-3-notes.tar.${token}`, 'm-1-video.tar'].sort(),
    );
  });
});
