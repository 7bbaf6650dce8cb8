import { describe, expect, it } from 'vitest';
import { decideMembership, decideOwner, type MembershipFacts } from '../../../hook/check/account.ts';
import { isWorker, parseWorker } from '../../../hook/check/processes.ts';

describe("BBB's worker", () => {
  it.each([
    ['resque-2.6.0: Waiting for rap:archive,rap:publish', '', true],
    ['/usr/bin/ruby /usr/bin/rake -f ../Rakefile resque:workers', '', true],
    ['ruby publish/presentation.rb', '0::/system.slice/bbb-rap-resque-worker.service', true],
    ['vim resque-notes', '0::/user.slice', false],
    ['ruby bbb-rap-starter.rb', '0::/system.slice/bbb-rap-starter.service', false],
  ])('is %j in the cgroup %j: %s', (command, cgroup, isOne) => {
    expect(isWorker(command, cgroup)).toBe(isOne);
  });

  it('has the groups that stand in /proc, with its own', () => {
    const status = 'Name:\truby\nUid:\t997\t998\t997\t997\nGid:\t997\t996\t997\t997\nGroups:\t996 2000 \n';
    expect(parseWorker(7, status)).toEqual({ pid: 7, uid: 998, groups: [996, 2000] });
    expect(parseWorker(7, '')).toBeUndefined();
  });
});

describe('the user', () => {
  const facts = {
    directory: '/p',
    directories: ['/p', '/r'],
    uid: 0,
    account: undefined,
    otherOwner: undefined,
    isUsualUserThere: true,
  };
  it.each([
    [facts, 'chown -RH bigbluebutton: /p /r'],
    [{ ...facts, otherOwner: 'bbb' }, 'chown bbb: /p'],
  ])('of %j is put right', (owner, fix) => {
    expect(decideOwner(owner)).toMatchObject({ id: 'bbb-user', state: 'problem', fix, exit_status: 78 });
  });
});

describe('the group of the spool', () => {
  const account = { name: 'bigbluebutton', uid: 997, gid: 997, home: '/home/bigbluebutton' };
  const facts: MembershipFacts = {
    ...{ account, userGroups: [997], workers: [], groupName: 'pilos-spool', isGroupNameFree: () => true },
    spool: { path: '/s', mode: 0o2775, uid: 0, gid: 2000 },
  };
  const fixes = (changed: Partial<MembershipFacts>) =>
    decideMembership({ ...facts, ...changed }).flatMap(({ fix = [] }) => fix);
  const restart = 'systemctl restart bbb-rap-resque-worker.service';

  it('is given to the user, and made where this server does not know it', () => {
    const add = 'usermod --append --groups';
    expect(fixes({})).toEqual([`${add} pilos-spool bigbluebutton && ${restart}`]);
    expect(fixes({ groupName: undefined })).toEqual([
      `groupadd --gid 2000 pilos-spool && ${add} pilos-spool bigbluebutton && ${restart}`,
    ]);
    expect(fixes({ groupName: undefined, isGroupNameFree: (name) => name !== 'pilos-spool' })).toEqual([
      `groupadd --gid 2000 pilos-spool-2000 && ${add} pilos-spool-2000 bigbluebutton && ${restart}`,
    ]);
  });

  it('is not needed by who may write there without it, and gets it by setgid', () => {
    expect(fixes({ spool: { ...facts.spool, uid: 997, mode: 0o2755 } })).toEqual([]);
    expect(fixes({ spool: { ...facts.spool, mode: 0o2777 } })).toEqual([]);
    expect(fixes({ spool: { ...facts.spool, mode: 0o0777 } })).toHaveLength(1);
  });

  it('is needed by each process of the worker', () => {
    const workers = [
      { pid: 5, uid: 997, groups: [997, 2000] },
      { pid: 6, uid: 997, groups: [997] },
      { pid: 7, uid: 1000, groups: [] },
    ];
    const [, worker] = decideMembership({ ...facts, userGroups: [997, 2000], workers });
    expect(worker).toMatchObject({ id: 'worker-group', state: 'problem', fix: restart });
    expect(worker?.problem).toMatch(/^process 6 was started before/);
  });
});
