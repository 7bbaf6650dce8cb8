/** What is decided about the user, the worker, the scripts, the timer and the configuration. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isWorker, parseWorker } from '../../../hook/bbb/worker.ts';
import { decideOwner, withWorker } from '../../../hook/check/account-checks.ts';
import { checkTimerRow, decideRepeated, decideTimer } from '../../../hook/check/call-checks.ts';
import { classifyScript, isRepeatedDelivery } from '../../../hook/check/call-facts.ts';
import { readConfiguration, salvagePilos } from '../../../hook/check/configuration-facts.ts';
import { decideNotImported, decideStray, decideUndelivered } from '../../../hook/check/recording-checks.ts';
import { problem, warning } from '../../../hook/check/table.ts';
import { timerName } from '../../../hook/install/layout.ts';
import type { RecordingStatus } from '../../../hook/status/status.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

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

describe('the user of BBB', () => {
  const owner = {
    ...{ directory: '/p', directories: ['/p', '/r'], uid: 0 },
    ...{ account: undefined, otherOwner: undefined, hasUsualUser: true },
  };
  const accounts = (more: object, user: string) => ({
    ...{ ranAs: 'root', account: undefined, workers: [], groups: undefined, user },
    hasSystemd: true,
    owner: { ...owner, ...more },
  });
  it.each([
    [{}, 'bigbluebutton', 'chown -RH bigbluebutton: /p /r'],
    [{ otherOwner: 'bbb' }, 'bbb', 'chown bbb: /p'],
  ])('of a directory of root, with %j', (more, user, fix) => {
    expect(decideOwner(accounts(more, user))).toMatchObject({ state: 'problem', fix, status: 78 });
  });

  it('that does not exist yet is created, and the worker started, which failed without it', () => {
    const { fix } = decideOwner(accounts({ hasUsualUser: false }, 'bigbluebutton')) as { fix: string };
    expect(fix).toMatch(
      /^useradd .* bigbluebutton && chown .* && systemctl start bbb-rap-resque-worker\.service$/,
    );
  });
});

describe('a script', () => {
  it.each([
    ['pilos_post_publish.rb', "executable = File.join(__dir__, 'pilos-post-publish')\n", 'own'],
    ['pilos_post_publish.rb', "YAML.load_file('pilos.yml')", 'pilos'],
    ['other.rb', "metadata['pilos-sub-spool-dir']", 'pilos'],
    ['scalelite_post_publish.rb', 'nothing', 'scalelite'],
    ['post_publish.rb', "'scalelite.yml'", 'scalelite'],
    ['a0_add_files.rb', 'nothing', 'other'],
  ])('%s with %j is %s', (name, text, kind) => {
    expect(classifyScript(name, text)).toBe(kind);
  });
});

describe('the timer', () => {
  const enable = 'systemctl enable --now pilos-post-publish.timer';
  const timer = (load: string, enabled: string, active: string) => ({ load, enabled, active });
  it.each([
    [timer('loaded', 'enabled', 'active'), 'ok', undefined],
    [timer('loaded', 'disabled', 'inactive'), 'warning', enable],
    [
      timer('masked', 'masked', 'inactive'),
      'warning',
      `systemctl unmask pilos-post-publish.timer && ${enable}`,
    ],
    [timer('not-found', '', 'inactive'), 'warning', `x install && ${enable}`],
    [timer('loaded', 'enabled', 'inactive'), 'problem', 'systemctl restart pilos-post-publish.timer'],
    [timer('loaded', 'enabled', 'failed'), 'problem', 'systemctl restart pilos-post-publish.timer'],
  ])('%j is %s, fixed by %j', (facts, state, fix) => {
    const verdict = decideTimer(facts, timerName, 'x install', warning);
    expect([verdict.state, 'fix' in verdict ? verdict.fix : undefined]).toEqual([state, fix]);
  });

  it('is not said to be missing when systemd cannot be asked', () => {
    const unknown = 'Failed to connect to bus: No such file or directory';
    expect(decideTimer({ unknown }, timerName, 'x', problem.setUp)).toEqual({
      state: 'skipped',
      reason: `systemctl says '${unknown}'`,
    });
  });

  it('of check: what comes of it is another thing', () => {
    expect(checkTimerRow(timer('loaded', 'enabled', 'failed'), 'x')).toMatchObject({
      check: 'check_timer',
      verdict: { state: 'problem', fix: 'systemctl restart pilos-post-publish-check.timer' },
    });
  });

  it('must be there when it does all the work', () => {
    expect(decideTimer(timer('loaded', 'disabled', 'inactive'), timerName, 'x', problem.setUp)).toMatchObject(
      {
        state: 'problem',
      },
    );
  });
});

describe('without systemd', () => {
  it.each([
    [['/x/pilos-post-publish', 'deliver', '--every', '15m'], true],
    [['/x/pilos-post-publish', '--quiet', 'deliver', '--every=15m', ''], true],
    [['/x/pilos-post-publish', 'deliver', '--limit', '1'], false],
    [['/x/pilos-post-publish', '--every', '15m'], false],
  ])('the process %j delivers again and again: %s', (words, isOne) => {
    expect(isRepeatedDelivery(words)).toBe(isOne);
  });

  it('something else than the timer has to run deliver, and must when BBB only notes recordings', () => {
    expect(decideRepeated(true, 'x', problem.setUp)).toEqual({ state: 'ok' });
    expect(decideRepeated(false, 'x', warning)).toMatchObject({
      state: 'warning',
      fix: expect.stringMatching(/^start 'x deliver --every 15m' /),
    });
    expect(decideRepeated(false, 'x', problem.setUp)).toMatchObject({ state: 'problem', status: 78 });
  });

  it('no fix calls systemctl', () => {
    const without = { hasSystemd: false };
    expect(withWorker([], 'start', without)).toBe("start BBB's worker; in a container, restart that");
    expect(withWorker(['a', 'b'], 'restart', without)).toMatch(/^run 'a && b', and restart BBB's worker; /);
    expect(withWorker(['a'], 'restart', { hasSystemd: true })).toMatch(/^a && systemctl restart bbb-rap-/);
  });
});

const directory = useTemporaryDirectory();

describe('a broken configuration', () => {
  it('still says what is valid in it', () => {
    const valid = { work_dir: '/w', spool_dir: '/s' };
    expect(salvagePilos({ ...valid, deliver: 'never', retri: 1 })).toMatchObject({
      work_dir: '/w',
      deliver: 'now',
    });
    expect(salvagePilos({ ...valid, spool_dir: 'relative' })).toBeUndefined();
  });

  it('leaves BBB with its usual directories', () => {
    directory.write('bigbluebutton.yml', 'log_dir: /l\n');
    const [config, ...bbbConfig] = ['pilos.yml', 'bigbluebutton.yml', 'recording.yml'].map((name) =>
      join(directory.path, name),
    );
    directory.makeDirectory('pilos.yml');
    const { pilosError, bbbError, bbb } = readConfiguration({ config, bbbConfig }, {});
    expect(pilosError?.message).toContain('EISDIR');
    expect(bbbError?.message).toContain('does not exist');
    expect(bbb.publishedDir).toBe('/var/bigbluebutton/published');
  });
});

describe('recordings', () => {
  const of = (state: RecordingStatus['formats'][number]['state'], date: string): RecordingStatus => ({
    ...{ meeting_id: 'r', name: 'n', external_id: '', sender_done: false, date },
    formats: [{ record_id: 'r', format: 'video', attempts: [], state }],
  });

  it('that BBB still works on are not missing', () => {
    expect(
      decideUndelivered([of('processing', '2026-01-01'), of('delivered', '2026-01-01')], 'x').state,
    ).toBe('ok');
  });

  it.each([1, 3, 12])(
    'that are none, %i of them, are each named once, or counted when there are many',
    (count) => {
      const stray = Array.from({ length: count }, (_, index) => ({ path: `/p/${index}.old`, reason: 'why' }));
      const { problem: text = '' } = decideStray(stray) as { problem?: string };
      expect(text.match(/\/p\/\d+\.old is passed over: why/g)).toHaveLength(Math.min(count, 10));
      expect(text.endsWith('; and 2 more')).toBe(count === 12);
    },
  );

  it('that are not delivered are counted, with the oldest', () => {
    const all = [of('waiting', '2026-01-02T00:00:00Z'), of('failed', '2026-01-01T00:00:00Z')];
    expect(decideUndelivered(all, 'x')).toEqual({
      state: 'warning',
      problem: "2 published formats are not delivered, the oldest of 2026-01-01; 1 failed, see 'x status'",
      fix: 'x deliver',
    });
    expect(decideNotImported(all, 'x').state).toBe('ok');
  });

  it('that PILOS was given and does not have are counted by what became of them', () => {
    const all = [of('refused', '2026-01-02'), of('outdated', '2026-01-02'), of('refused', '2026-01-02')];
    expect(decideNotImported(all, 'x')).toMatchObject({
      problem: 'of the formats that PILOS was given, 2 refused and 1 outdated',
    });
  });
});
