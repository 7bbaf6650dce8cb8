import { chownSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAccount } from '../../../hook/system/user.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import {
  addToGroup,
  createBbbUser,
  createPilosUser,
  removeUser,
  type TestUser,
} from '../../support/program/users.ts';

const directory = useTemporaryDirectory();

describe('parseAccount', () => {
  const passwd = `root:x:0:0:root:/root:/bin/bash
bigbluebutton:x:997:995:BigBlueButton:/home/bigbluebutton:/bin/false
# a comment:x:1:1::/:
nohome:x:998:998:::
broken:x::5:no uid:/x:/bin/sh
short:x:42
later:x:997:5::/other:/bin/sh
`;

  it('finds the account of a user id', () => {
    expect(parseAccount(passwd, 997)).toEqual({
      name: 'bigbluebutton',
      uid: 997,
      gid: 995,
      home: '/home/bigbluebutton',
    });
    expect(parseAccount(passwd, 0)).toMatchObject({ name: 'root', home: '/root' });
  });

  it('takes the root directory for a missing home', () => {
    expect(parseAccount(passwd, 998)?.home).toBe('/');
  });

  it.each([99, 5, 65534])('knows none of the user id %i', (uid) => {
    expect(parseAccount(passwd, uid)).toBeUndefined();
  });

  it('does not take an account without a user id for root', () => {
    expect(parseAccount('broken:x::5:no uid:/x:/bin/sh\n', 0)).toBeUndefined();
    expect(parseAccount('', 0)).toBeUndefined();
  });
});

describe('becomeOwner', () => {
  let bbb: TestUser;
  let pilos: TestUser;

  beforeAll(async () => {
    bbb = await createBbbUser();
    pilos = await createPilosUser();
    await addToGroup(bbb, pilos.group);
  });

  afterAll(async () => {
    await removeUser(bbb);
    await removeUser(pilos);
  });

  const become = `const { becomeOwner } = await hook('system/user');
    const account = becomeOwner(argument);
    const { spawnSync } = await import('node:child_process');
    return {
      account: account ?? null,
      ids: [process.getuid(), process.geteuid(), process.getgid(), process.getegid()],
      groups: process.getgroups().sort((one, other) => one - other),
      environment: [process.env.HOME, process.env.USER, process.env.LOGNAME],
      child: spawnSync('grep', ['^Uid', '/proc/self/status'], { encoding: 'utf8' }).stdout.trim().split('\\t'),
      canComeBack: (() => { try { process.setuid(0); return true; } catch { return false; } })(),
    };`;

  it('becomes the owner of published_dir, with its groups, HOME and USER and without a way back', async () => {
    chownSync(directory.path, bbb.uid, bbb.gid);
    const { value } = await runInChildNode(become, { argument: directory.path });
    expect(value).toEqual({
      account: { name: bbb.name, uid: bbb.uid, gid: bbb.gid, home: bbb.home },
      ids: [bbb.uid, bbb.uid, bbb.gid, bbb.gid],
      groups: [bbb.gid, pilos.gid].sort((one, other) => one - other),
      environment: [bbb.home, bbb.name, bbb.name],
      child: ['Uid:', ...Array.from({ length: 4 }, () => `${bbb.uid}`)],
      canComeBack: false,
    });
  });

  it.each([
    ['root owns the directory', () => directory.path, undefined],
    ['the directory is missing, which whoever reads it reports', () => `${directory.path}/gone`, undefined],
    ['it does not run as root', () => directory.path, 65534],
  ])('changes nothing when %s', async (_, path, uid) => {
    if (uid !== undefined) chownSync(directory.path, bbb.uid, bbb.gid);
    const options = { argument: path(), ...(uid === undefined ? {} : { uid }) };
    const { value } = await runInChildNode(become, options);
    expect(value).toMatchObject({ account: null, ids: Array.from({ length: 4 }, () => uid ?? 0) });
  });

  it('stops with exit status 77 when the owner has no account', async () => {
    chownSync(directory.path, 3_999_999, 3_999_999);
    const { error } = await runInChildNode(become, { argument: directory.path });
    expect(error).toMatchObject({ exitStatus: 77 });
    expect(error?.message).toBe(`${directory.path} belongs to uid 3999999, which is not in /etc/passwd`);
    expect(error?.fix).toContain("sudo -u '#3999999'");
  });

  it('gives up what only root may do', async () => {
    const secret = directory.write('secret', 'x', 0o600);
    await execa('chmod', ['755', directory.path]);
    chownSync(directory.path, bbb.uid, bbb.gid);
    const { error } = await runInChildNode(
      `(await hook('system/user')).becomeOwner(argument.directory);
       (await import('node:fs')).readFileSync(argument.secret);`,
      { argument: { directory: directory.path, secret } },
    );
    expect(error?.message).toContain('EACCES');
  });
});
