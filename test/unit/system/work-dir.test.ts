import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRunToken } from '../../../hook/system/run-token.ts';
import { removeAbandonedWorkFiles, temporaryPath } from '../../../hook/system/work-dir.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const workDir = () => `${directory.path}/recording/pilos`;

/** The token of a run on this server that is over. */
async function endedRun(): Promise<string> {
  const { value } = await runInChildNode(
    "const { createRunToken } = await hook('system/run-token'); return createRunToken();",
  );
  return String(value);
}

describe('temporaryPath', () => {
  it('is new each time, below a work_dir that is created with its parents', () => {
    const paths = [temporaryPath(workDir()), temporaryPath(workDir())];
    expect(paths[0]).not.toBe(paths[1]);
    expect(readdirSync(`${workDir()}/tmp`)).toEqual([]);
    for (const path of paths) expect(path.startsWith(`${workDir()}/tmp/`)).toBe(true);
  });

  it('says so when work_dir cannot be created', () => {
    directory.write('recording', 'a file in its place');
    const error = expectedErrorOf(() => temporaryPath(workDir()));
    expect(error.exitStatus).toBe(78);
    expect(error.message).toContain(`cannot create work_dir ${workDir()}: it is not a directory (ENOTDIR)`);
  });

  it('says so when the user may not write there', async () => {
    const { error } = await runInChildNode(
      "const { temporaryPath } = await hook('system/work-dir'); temporaryPath(argument);",
      { argument: workDir(), uid: 65534 },
    );
    expect(error).toMatchObject({ exitStatus: 77 });
  });
});

describe('removeAbandonedWorkFiles', () => {
  it('removes files and directories of ended runs, and nothing else', async () => {
    const ended = [await endedRun(), await endedRun()];
    const living = temporaryPath(workDir());
    const foreign = createRunToken().split('.').with(0, '00000000').join('.');
    mkdirSync(`${workDir()}/tmp/${ended[0]}/empty`, { recursive: true });
    writeFileSync(`${workDir()}/tmp/${ended[0]}/archive`, 'x');
    writeFileSync(`${workDir()}/tmp/${ended[1]}`, 'x');
    const kept = [living.split('/').at(-1) ?? '', foreign, "an admin's note"];
    for (const name of kept) writeFileSync(`${workDir()}/tmp/${name}`, 'x');
    expect(removeAbandonedWorkFiles(workDir()).sort()).toEqual(ended.toSorted());
    expect(readdirSync(`${workDir()}/tmp`).sort()).toEqual(kept.toSorted());
  });

  it("removes another server's file once nobody has written it for a week", () => {
    const foreign = createRunToken().split('.').with(0, '00000000').join('.');
    const file = directory.write(`recording/pilos/tmp/${foreign}`, 'x');
    const longAgo = statSync(file).mtimeMs / 1000 - 8 * 24 * 3600;
    utimesSync(file, longAgo, longAgo);
    expect(removeAbandonedWorkFiles(workDir())).toEqual([foreign]);
  });

  it('leaves the ledger alone', async () => {
    const token = await endedRun();
    directory.write(`recording/pilos/ledger/${token}`, '{}');
    directory.write(`recording/pilos/${token}`, 'x');
    directory.makeDirectory('recording/pilos/tmp');
    expect(removeAbandonedWorkFiles(workDir())).toEqual([]);
    expect(existsSync(`${workDir()}/ledger/${token}`)).toBe(true);
    expect(existsSync(`${workDir()}/${token}`)).toBe(true);
  });

  it('follows no symlink out of work_dir', async () => {
    const token = await endedRun();
    const outside = directory.write('outside/file', 'x');
    mkdirSync(`${workDir()}/tmp`, { recursive: true });
    const { symlinkSync } = await import('node:fs');
    symlinkSync(`${directory.path}/outside`, `${workDir()}/tmp/${token}`);
    expect(removeAbandonedWorkFiles(workDir())).toEqual([token]);
    expect(existsSync(outside)).toBe(true);
  });

  it('finds nothing in a work_dir that does not exist or is a file', () => {
    expect(removeAbandonedWorkFiles(workDir())).toEqual([]);
    directory.write('recording/pilos', 'x');
    expect(removeAbandonedWorkFiles(workDir())).toEqual([]);
  });

  it('does not fail on what it may not remove', async () => {
    const token = await endedRun();
    directory.write(`recording/pilos/tmp/${token}`, 'x');
    const { chmodSync } = await import('node:fs');
    chmodSync(directory.path, 0o755);
    const { value, error } = await runInChildNode(
      "const { removeAbandonedWorkFiles } = await hook('system/work-dir'); return removeAbandonedWorkFiles(argument);",
      { argument: workDir(), uid: 65534 },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual([]);
    expect(existsSync(`${workDir()}/tmp/${token}`)).toBe(true);
  });
});
