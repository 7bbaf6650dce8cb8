/** The judges of the fleet: each finds what it is there to find, or the fleet's test proves nothing. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BbbHost } from '../../fleet/bbb-host.ts';
import { compareImports } from '../../fleet/compare-imports.ts';
import type { FleetReport } from '../../fleet/fleet.ts';
import { type Instance, instances, planFleet } from '../../fleet/plan.ts';
import { problemsOf } from '../../fleet/problems.ts';
import type { ServerReport } from '../../fleet/server-report.ts';
import { renderTable } from '../../fleet/table.ts';
import { writeMeeting } from '../../support/bbb/bbb-meeting.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { createPilos } from '../../support/pilos/pilos.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
const [first, second] = instances;

/** One server with a recording for each instance, and a store into which `first` has imported its own. */
async function importOne() {
  const bbb = { publishedDir: `${directory.path}/published`, recordingDir: `${directory.path}/recording` };
  const [spool, store] = [directory.makeDirectory('spool'), directory.makeDirectory('store')];
  const recordings = instances.map((owner) => ({
    plan: { instance: owner, bytes: 0 },
    meeting: writeMeeting(bbb, owner, { subDir: owner, formats: ['podcast'] }),
    owner: owner as Instance | undefined,
  }));
  const importNumber = async (index: number) => {
    const { id = '' } = recordings[index]?.meeting ?? {};
    const archive = join(spool, `${id}-podcast.tar`);
    await runOrThrow('tar', ['-c', '--format=gnu', '-f', archive, '-C', bbb.publishedDir, `podcast/${id}`]);
    const [imported] = await importSpool(spool, store);
    return { name: `${id}-podcast`, id, stored: imported?.formats[0]?.storedIn ?? '' };
  };
  const compare = () => {
    const servers = [{ recordings } as unknown as BbbHost];
    return compareImports(servers, { instance: first, store }, []);
  };
  return { compare, store, importOther: () => importNumber(1), own: await importNumber(0) };
}

describe('what an instance has imported', () => {
  it('is right when it is its own, byte for byte', async () => {
    const { compare } = await importOne();
    expect(compare()).toMatchObject({ expected: 1, imported: 1, lost: [], foreign: [], different: [] });
  });

  it('lacks a recording that was not imported', async () => {
    const { compare, store, own } = await importOne();
    const pilos = await createPilos({ spool: directory.makeDirectory('empty'), store });
    await pilos.deleteRecording(own.id);
    expect(compare()).toMatchObject({ imported: 0, lost: [own.name], different: [] });
  });

  it("has a recording of the other instance's", async () => {
    const { compare, importOther } = await importOne();
    const { name } = await importOther();
    expect(compare()).toMatchObject({ foreign: [name], lost: [] });
  });

  it.each([
    ['has another byte', (stored: string) => writeFileSync(join(stored, 'audio.ogg'), 'x')],
    ['has no metadata', (stored: string) => rmSync(join(stored, 'metadata.xml'))],
    ['has a file more', (stored: string) => writeFileSync(join(stored, 'more'), '')],
    ['lies elsewhere', (stored: string) => renameSync(stored, `${stored}-moved`)],
  ])('differs when it %s', async (_, spoil) => {
    const { compare, own } = await importOne();
    spoil(own.stored);
    expect(compare()).toMatchObject({ lost: [], different: [own.name] });
  });
});

/** A day on which all went well. */
function goodReport(): FleetReport {
  const options = { layout: 'storage', servers: 3, recordings: 30 } as const;
  const servers = planFleet(options).map((plan): ServerReport => {
    const strays = plan.allowed === undefined ? 0 : plan.formats.length;
    const calls = plan.recordings.length * plan.formats.length;
    const failed = plan.cut === undefined ? 0 : 4;
    const states = { imported: calls - strays, ...(strays > 0 ? { failed: strays } : {}) };
    const delivered = calls - strays - failed;
    const rest = { failure: undefined, refusal: undefined, errors: [], longestCall: 1 };
    return {
      plan,
      calls,
      delivered,
      failed,
      resent: failed,
      refused: strays,
      states,
      notDone: strays,
      ...rest,
    };
  });
  const nothing = { again: 0, lost: [], foreign: [], different: [], failed: [], bytes: 1, longestWait: 1 };
  const imported = instances.map((name) => ({ name, expected: 20, imported: 20, ...nothing }));
  return {
    options,
    servers,
    instances: imported,
    seconds: 60,
    importing: { seconds: 1, archives: 40 },
    left: [],
  };
}

/** The day, with something else in the report of a server or of the first instance. */
function reportWith(server: number, changes: Partial<ServerReport>): FleetReport {
  const report = goodReport();
  const servers = report.servers.map((one, index) => (index === server ? { ...one, ...changes } : one));
  return { ...report, servers };
}

describe('problems', () => {
  it('are none when all went well', () => {
    expect(problemsOf(goodReport())).toEqual([]);
  });

  it.each([
    ['a server made fewer calls', 0, { calls: 9 }],
    ['a server failed that was not cut off', 0, { failed: 1 }],
    ['no call failed while the server was cut off', 1, { failed: 0 }],
    ['deliver has not healed it', 1, { resent: 3 }],
    ['status knows of a format that is not delivered', 1, { states: { imported: 19, failed: 1 } }],
    ['the stray recording was not refused', 2, { refused: 0 }],
    ['a recording has no -sender.done', 0, { notDone: 1 }],
  ] as const)('are reported when %s', (_, server, changes) => {
    expect(problemsOf(reportWith(server, changes))[0]).toMatch(new RegExp(`^bbb${server + 1}: `));
  });

  it.each(['lost', 'foreign', 'different', 'failed'])('are reported when a recording is %s', (what) => {
    const report = goodReport();
    const spoilt = report.instances.map((one) =>
      one.name === second ? { ...one, [what]: ['ID-video'] } : one,
    );
    expect(problemsOf({ ...report, instances: spoilt })).toEqual([
      expect.stringMatching(/^instance2: 1 .*, the first is ID-video/),
    ]);
  });

  it('are reported when something is left in the spool', () => {
    const left = ['pilos1:/mnt/storage/recordings-spool/instance1/x'];
    expect(problemsOf({ ...goodReport(), left })).toEqual([`left behind: ${left[0]}`]);
  });
});

describe('the table', () => {
  it('has a line for each server and instance', () => {
    const lines = renderTable(goodReport()).split('\n');
    expect(lines[0]).toBe(
      'layout storage: 3 BBB servers, 2 PILOS instances, one central spool, 30 recordings',
    );
    expect(lines.filter((line) => /^(bbb|instance)\d/.test(line))).toHaveLength(5);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^\d+ deliveries per minute; the longest call took 1\.0 s, the longest wait in the spool 1\.0 s$/,
      ),
    );
  });

  it('stays small for a large fleet', () => {
    const report = goodReport();
    const [one] = report.servers;
    const many = Array.from({ length: 50 }, () => one).filter((server) => server !== undefined);
    const lines = renderTable({ ...report, servers: many }).split('\n');
    expect(lines.length).toBeLessThan(25);
    expect(lines.some((line) => line.startsWith('44 more'))).toBe(true);
  });
});
