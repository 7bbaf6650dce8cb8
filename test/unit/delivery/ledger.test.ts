import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { openLedger } from '../../../hook/delivery/ledger.ts';
import type { Delivery } from '../../../hook/delivery/ledger-entry.ts';
import { keyOf, meetingIdOf } from '../../support/bbb/ids.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const key = keyOf('m-1', 'm-1', 'video');
const delivery: Delivery = {
  at: '2024-04-10T14:19:11.753Z',
  bytes: 10_240,
  seconds: 1.5,
  destination: '/mnt/spool',
  name: 'm-1-video.tar',
  fingerprint: 'f',
  stamp: 's',
};
const full = { code: 'spool_full', message: 'full', fix: 'free some space' };
const failure = { at: '2024-04-10T14:19:11.753Z', seconds: 0.1, error: full, exit_status: 73 as const };

const workDir = () => `${directory.path}/work`;
const file = () => `${workDir()}/ledger/m-1-video.json`;
const ledger = () => openLedger(workDir());

describe('openLedger', () => {
  it('creates nothing until something is recorded', () => {
    expect(ledger().read(key)).toBeUndefined();
    expect(readdirSync(directory.path)).toEqual([]);
  });

  it('creates work_dir, as the Ruby script of PILOS does, and leaves no temporary file in it', () => {
    ledger().recordWaiting(key);
    expect(readdirSync(workDir(), { recursive: true }).sort()).toEqual([
      'ledger',
      'ledger/m-1-video.json',
      'tmp',
    ]);
  });

  it('remembers a delivery', () => {
    ledger().recordDelivery(key, delivery);
    expect(ledger().read(key)).toEqual({
      meeting_id: 'm-1',
      record_id: 'm-1',
      format: 'video',
      delivered: { ...delivery, import: { state: 'delivered', at: delivery.at } },
      attempts: [
        { at: delivery.at, seconds: 1.5, result: 'delivered', bytes: 10_240, destination: '/mnt/spool' },
      ],
    });
  });

  it('keeps the last delivery beside a later failure', () => {
    ledger().recordDelivery(key, delivery);
    ledger().recordFailure(key, failure);
    expect(ledger().read(key)).toMatchObject({
      delivered: delivery,
      attempts: [{ result: 'delivered' }, { result: 'failed', error: full, exit_status: 73 }],
    });
  });

  it('keeps attempts when a recording waits again', () => {
    ledger().recordFailure(key, failure);
    ledger().recordWaiting(key);
    expect(ledger().read(key)).toMatchObject({
      waiting: expect.any(String),
      attempts: [{ result: 'failed' }],
    });
  });

  it('notes new stamps of the same files without another attempt', () => {
    ledger().recordDelivery(key, delivery);
    ledger().recordSameFiles(key, 'new');
    const entry = ledger().read(key);
    expect(entry?.delivered?.stamp).toBe('new');
    expect(entry?.attempts).toHaveLength(1);
  });

  it('keeps the latest 20 attempts', () => {
    for (let number = 1; number <= 25; number += 1)
      ledger().recordFailure(key, { ...failure, error: { ...full, message: `try ${number}` } });
    const errors = ledger()
      .read(key)
      ?.attempts.map(({ error }) => error?.message);
    expect(errors).toHaveLength(20);
    expect(errors?.at(0)).toBe('try 6');
    expect(errors?.at(-1)).toBe('try 25');
  });

  it('keeps formats, segments and meetings apart', () => {
    ledger().recordDelivery(key, delivery);
    for (const another of [
      keyOf('m-1', 'm-1', 'notes'),
      keyOf('m-1', 'm-1-2', 'video'),
      keyOf('m-2', 'm-2', 'video'),
    ])
      expect(ledger().read(another)).toBeUndefined();
  });

  it('writes a file that others may read, whatever the umask', async () => {
    const { value } = await runInChildNode(
      `process.umask(0o022);
       const { openLedger } = await hook('delivery/ledger');
       openLedger(argument.workDir).recordWaiting(argument.key);`,
      { argument: { workDir: workDir(), key } },
    );
    expect(value).toBeUndefined();
    expect((statSync(file()).mode & 0o777).toString(8)).toBe('644');
  });

  it.each([
    ['empty, as a crash of the machine may leave it', ''],
    ['cut', '{"meeting_id":"m-1","rec'],
    ['binary', '\0\xff\xfe'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"delivered"'],
    ['without attempts', '{"record_id":"m-1","format":"video","state":"failed"}'],
    ['delivered without saying what', '{"record_id":"m-1","format":"video","delivered":{},"attempts":[]}'],
    [
      'delivered with null',
      '{"record_id":"m-1","format":"video","state":"delivered","delivered":null,"attempts":[]}',
    ],
    ['of another recording', '{"record_id":"m-2","format":"video","state":"failed","attempts":[]}'],
    ['of another format', '{"record_id":"m-1","format":"notes","state":"failed","attempts":[]}'],
    ['nested deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('takes an entry that is %s for none, and replaces it', (_, text) => {
    directory.write('work/ledger/m-1-video.json', text);
    expect(ledger().read(key)).toBeUndefined();
    ledger().recordFailure(key, failure);
    expect(ledger().read(key)).toMatchObject({ attempts: [{ result: 'failed', error: full }] });
  });

  it('takes a directory in place of an entry for none, and says so when it is to be written', () => {
    mkdirSync(file(), { recursive: true });
    expect(ledger().read(key)).toBeUndefined();
    expect(expectedErrorOf(() => ledger().recordWaiting(key)).message).toContain(
      `cannot write the ledger in ${workDir()}/ledger`,
    );
    expect(readdirSync(`${workDir()}/tmp`)).toEqual([]);
  });

  it('says which directory to look at when work_dir may not be written', async () => {
    chmodSync(directory.path, 0o755);
    const { error } = await runInChildNode(
      `const { openLedger } = await hook('delivery/ledger');
       openLedger(argument.workDir).recordWaiting(argument.key);`,
      { argument: { workDir: workDir(), key }, uid: 65534 },
    );
    expect(error).toMatchObject({ exitStatus: 77 });
    expect(error?.message).toContain(workDir());
  });

  it('shows readers a whole entry while four processes write it', async () => {
    const code = `const { openLedger } = await hook('delivery/ledger');
      const ledger = openLedger(argument.workDir);
      for (let n = 0; n < 30; n += 1)
        ledger.recordFailure(argument.key, { at: '', seconds: n, error: { code: 'x', message: 'x'.repeat(n * 100), fix: '' }, exit_status: 73 });`;
    ledger().recordWaiting(key);
    const writers = Array.from({ length: 4 }, () =>
      runInChildNode(code, { argument: { workDir: workDir(), key } }),
    );
    let isWriting = true;
    const done = Promise.all(writers).finally(() => {
      isWriting = false;
    });
    let reads = 0;
    while (isWriting) {
      expect(ledger().read(key)?.record_id).toBe('m-1');
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const { error } of await done) expect(error).toBeUndefined();
    expect(reads).toBeGreaterThan(10);
    expect(ledger().read(key)?.attempts).toHaveLength(20);
    expect(readdirSync(`${workDir()}/tmp`)).toEqual([]);
  });
});

describe('an entry of version 1.0.0', () => {
  const old = (state: string, attempts: unknown[], more = {}) =>
    directory.write(
      'work/ledger/m-1-video.json',
      JSON.stringify({ meeting_id: 'm-1', record_id: 'm-1', format: 'video', state, ...more, attempts }),
    );

  it('of a delivery is one whose import nobody has seen', () => {
    const { at, seconds } = delivery;
    old('delivered', [{ at, seconds, outcome: 'delivered', bytes: 1 }], { delivered: delivery });
    expect(ledger().read(key)).toEqual({
      ...{ meeting_id: 'm-1', record_id: 'm-1', format: 'video', delivered: delivery },
      attempts: [{ at, seconds, result: 'delivered', bytes: 1 }],
    });
  });

  it('of a failure keeps its sentence', () => {
    old('failed', [
      { at: 'x', seconds: 1, outcome: 'failed', error: 'full: free some space', exit_status: 73 },
    ]);
    expect(ledger().read(key)?.attempts).toEqual([
      {
        ...{ at: 'x', seconds: 1, result: 'failed', exit_status: 73 },
        error: { code: 'unnamed', message: 'full: free some space', fix: '' },
      },
    ]);
  });

  it('that waits goes on waiting', () => {
    old('waiting', []);
    expect(ledger().read(key)?.waiting).toEqual(expect.any(String));
  });
});

describe('the entries of a meeting', () => {
  const idsOf = (meetingId: string) =>
    ledger()
      .readMeeting(meetingIdOf(meetingId))
      .map((entry) => `${entry.format}/${entry.record_id}`);

  it('are those of its formats and segments, and of no meeting whose id begins alike', () => {
    ledger().recordWaiting(key);
    ledger().recordWaiting(keyOf('m-1', 'm-1', 'notes'));
    ledger().recordWaiting(keyOf('m-1', 'm-1-1712758760000', 'video'));
    ledger().recordWaiting(keyOf('m-12', 'm-12', 'video'));
    ledger().recordWaiting(keyOf('m-1-x', 'm-1-x', 'video'));
    expect(idsOf('m-1')).toEqual(['video/m-1-1712758760000', 'notes/m-1', 'video/m-1']);
    expect(idsOf('m-1-x')).toEqual(['video/m-1-x']);
    expect(idsOf('m')).toEqual([]);
  });

  it('are none in a new ledger, nor broken ones or copies', () => {
    expect(idsOf('m-1')).toEqual([]);
    ledger().recordWaiting(key);
    directory.write('work/ledger/m-1-notes.json', '{');
    directory.write('work/ledger/m-1-video.json.bak', readFileSync(file(), 'utf8'));
    directory.write('work/ledger/m-1-copy.json', readFileSync(file(), 'utf8'));
    expect(idsOf('m-1')).toEqual(['video/m-1']);
  });
});

describe('a ledger that cannot be read', () => {
  it('never makes a reader fail', async () => {
    await execa('mkdir', ['-p', `${workDir()}/ledger`]);
    writeFileSync(file(), '{}', { mode: 0o600 });
    const read = `const { openLedger } = await hook('delivery/ledger'); return openLedger(argument.workDir).read(argument.key) ?? 'none';`;
    const { value } = await runInChildNode(read, { argument: { workDir: workDir(), key }, uid: 65534 });
    expect(value).toBe('none');
    rmSync(`${workDir()}/ledger`, { recursive: true });
    writeFileSync(`${workDir()}/ledger`, 'a file in its place');
    expect(ledger().read(key)).toBeUndefined();
    expect(readFileSync(`${workDir()}/ledger`, 'utf8')).toBe('a file in its place');
  });
});
