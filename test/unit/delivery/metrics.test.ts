import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Counters, countersOf } from '../../../hook/delivery/counters.ts';
import { updateMetrics } from '../../../hook/delivery/metrics.ts';
import { formatMetrics } from '../../../hook/delivery/metrics-text.ts';
import { ExpectedError } from '../../../hook/errors.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { parseExposition, sampleOf } from '../../support/pilos/exposition.ts';
import { runProgram } from '../../support/program/run-program.ts';

const directory = useTemporaryDirectory();
let settings = { workDir: '', metricsFile: '' };
beforeEach(() => {
  settings = {
    workDir: directory.makeDirectory('work'),
    metricsFile: `${directory.makeDirectory('textfiles')}/pilos.prom`,
  };
});

const deliver = (format = 'video', bytes = 1000) =>
  updateMetrics(settings, (counters) => {
    const of = countersOf(counters, format);
    Object.assign(of, { deliveries: of.deliveries + 1, bytes: of.bytes + bytes, seconds: of.seconds + 0.25 });
    of.lastSuccess = 1_712_758_751;
  });
const readText = () => readFileSync(settings.metricsFile, 'utf8');
const deliveries = (format = 'video') =>
  sampleOf(readText(), 'pilos_post_publish_deliveries_total', { format });

const counters = (formats: Counters['formats'], missing?: number): Counters => ({ formats, missing });
const some = { deliveries: 3, failures: 1, bytes: 5e12, seconds: 12.75, lastSuccess: 1_712_758_751 };

describe('formatMetrics', () => {
  it('writes what the strict reader of the exposition format accepts', () => {
    const families = parseExposition(formatMetrics(counters({ video: some, notes: some }, 2)));
    expect([...families.keys()]).toEqual([
      'pilos_post_publish_deliveries_total',
      'pilos_post_publish_failures_total',
      'pilos_post_publish_delivered_bytes_total',
      'pilos_post_publish_delivery_seconds_total',
      'pilos_post_publish_last_success_timestamp_seconds',
      'pilos_post_publish_recordings_missing',
      'pilos_post_publish_last_run_timestamp_seconds',
    ]);
  });

  it('writes the numbers as they are', () => {
    const text = formatMetrics(counters({ video: some }, 2));
    const read = (name: string, labels = { format: 'video' }) =>
      sampleOf(text, `pilos_post_publish_${name}`, labels);
    expect(read('deliveries_total')).toBe(3);
    expect(read('failures_total')).toBe(1);
    expect(read('delivered_bytes_total')).toBe(5e12);
    expect(read('delivery_seconds_total')).toBe(12.75);
    expect(read('last_success_timestamp_seconds')).toBe(1_712_758_751);
    expect(sampleOf(text, 'pilos_post_publish_recordings_missing', {})).toBe(2);
  });

  it('has no last success for a format that was never delivered, rather than one in 1970', () => {
    const text = formatMetrics(counters({ video: { ...some, lastSuccess: 0 } }));
    expect(text).not.toContain('last_success');
    expect([...parseExposition(text).keys()].filter((name) => name.endsWith('_total'))).toHaveLength(4);
  });

  it('leaves out how many are missing until somebody has looked', () => {
    expect(formatMetrics(counters({ video: some }))).not.toContain('missing');
  });

  it.each(['a"b', 'a\\b', 'a\nb', 'a\\nb"}'])('escapes the label %j', (format) => {
    expect(
      sampleOf(formatMetrics(counters({ [format]: some })), 'pilos_post_publish_deliveries_total', {
        format,
      }),
    ).toBe(3);
  });
});

describe('updateMetrics', () => {
  it('does nothing without metrics_file', async () => {
    await updateMetrics({ ...settings, metricsFile: undefined }, () => expect.unreachable());
  });

  it('has a series for each format of the server from the start, at 0, so that its first failure is an increase', async () => {
    await updateMetrics({ ...settings, publishSteps: ['podcast', 'video'] }, () => undefined);
    for (const format of ['podcast', 'video'])
      expect(sampleOf(readText(), 'pilos_post_publish_failures_total', { format })).toBe(0);
  });

  it('adds up over several runs', async () => {
    for (const format of ['video', 'notes', 'video']) await deliver(format);
    expect([deliveries('video'), deliveries('notes')]).toEqual([2, 1]);
    expect(sampleOf(readText(), 'pilos_post_publish_delivered_bytes_total', { format: 'video' })).toBe(2000);
  });

  it('writes a file that the collector may read, whatever the umask, and leaves no other', async () => {
    const before = process.umask(0o077);
    try {
      await deliver();
    } finally {
      process.umask(before);
    }
    expect((statSync(settings.metricsFile).mode & 0o777).toString(8)).toBe('644');
    const { stdout } = await runProgram('ls', ['-A', `${directory.path}/textfiles`]);
    expect(stdout).toBe('pilos.prom\n');
  });

  it('goes on counting when the textfile was deleted', async () => {
    await deliver();
    rmSync(settings.metricsFile);
    await deliver();
    expect(deliveries()).toBe(2);
  });

  it('replaces a temporary file that a killed run has left, and what it points to stays', async () => {
    const other = directory.write('other', 'untouched');
    const { status } = await runProgram('ln', ['-s', other, `${settings.metricsFile}.tmp`]);
    expect(status).toBe(0);
    await deliver();
    expect(deliveries()).toBe(1);
    expect(readFileSync(other, 'utf8')).toBe('untouched');
  });

  it.each([
    ['', 'empty'],
    ['{"formats": {"video": {"deliv', 'cut'],
    ['null', 'null'],
    ['[]', 'a list'],
    ['{"formats": null}', 'without formats'],
    ['{"formats": {"video": null}, "missing": "x"}', 'with a format of nothing'],
    [
      '{"formats": {"video": {"deliveries": "7", "bytes": -1, "seconds": null}}}',
      'with counts that are none',
    ],
    ['{"formats": "video"}', 'with a text for formats'],
  ])('starts again with a metrics.json of %j', async (text) => {
    writeFileSync(`${settings.workDir}/metrics.json`, text);
    await deliver();
    expect(deliveries()).toBe(1);
    parseExposition(readText());
  });

  it('keeps the counts of a format with any name', async () => {
    for (const format of ['__proto__', 'constructor', '__proto__']) await deliver(format);
    expect([deliveries('__proto__'), deliveries('constructor')]).toEqual([2, 1]);
    expect(({} as Record<string, unknown>)['deliveries']).toBeUndefined();
  });

  it('says which file cannot be written, and has counted all the same', async () => {
    const metricsFile = directory.makeDirectory('textfiles/taken.prom');
    const failing = updateMetrics({ ...settings, metricsFile }, (all) => {
      countersOf(all, 'video').failures += 1;
    });
    await expect(failing).rejects.toThrow(ExpectedError);
    await expect(failing).rejects.toThrow(
      `cannot write metrics_file ${metricsFile}: a directory is in its place`,
    );
    await deliver();
    expect(sampleOf(readText(), 'pilos_post_publish_failures_total', { format: 'video' })).toBe(1);
  });

  it('loses no count of twenty processes at once, and shows a reader whole files only', async () => {
    const code = `
      const { countersOf } = await import('./hook/delivery/counters.ts');
      const { updateMetrics } = await import('./hook/delivery/metrics.ts');
      const settings = ${JSON.stringify(settings)};
      for (let i = 0; i < 3; i += 1) {
        await updateMetrics(settings, (counters) => { countersOf(counters, 'video').deliveries += 1; });
      }`;
    const runs = Array.from({ length: 20 }, () =>
      runProgram(process.execPath, ['--input-type=module', '--eval', code]),
    );
    let isOver = false;
    const all = Promise.all(runs).finally(() => {
      isOver = true;
    });
    let looks = 0;
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const text = tryRead(settings.metricsFile);
      if (text === undefined) continue;
      looks += 1;
      parseExposition(text);
    }
    expect((await all).map(({ stderr }) => stderr).join('')).toBe('');
    expect(deliveries()).toBe(60);
    expect(looks).toBeGreaterThan(0);
  });
});

/** Undefined only before the file is there for the first time. */
function tryRead(file: string): string | undefined {
  return statSync(file, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(file, 'utf8');
}
