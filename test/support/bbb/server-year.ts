/**
 * What happens to a recording on a BBB server, with its effects on the disk: BBB's worker, `bbb-record`, bbb-web's API
 * and the cron job. Beside the disk a state is kept of each format, as it follows from what was done.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runOrThrow } from '../program/run-program.ts';
import type { BbbRecord } from './bbb-record.ts';
import type { BbbTree } from './bbb-tree.ts';

export const yearFormats = ['notes', 'presentation', 'video'];

export interface YearRecording {
  id: string;
  /** Of a meeting in one piece, the id itself. */
  recordIds: string[];
  hasRaw: boolean;
  /** `RECORD_ID/FORMAT` → how far BBB is with it; without one it is processing. */
  states: Map<string, string>;
  /** Formats that a step of BBB has taken up. */
  begun: Set<string>;
}

const places = ['published', 'unpublished', 'deleted'];

export interface YearServer {
  tree: BbbTree;
  bbbRecord: BbbRecord;
}

export function record({ tree }: YearServer, isSegmented: boolean): YearRecording {
  const { id } = tree.addMeeting({ formats: [] });
  const recordIds = isSegmented ? [1, 2].map((hour) => `${id}-${1_712_758_760_000 + hour}`) : [id];
  return { id, recordIds, hasRaw: true, states: new Map(), begun: new Set() };
}

/** What `status` has to say of a recording, by `RECORD_ID/FORMAT`; nothing of one that it does not list. */
export function expectedStates(one: YearRecording): Record<string, string> {
  const withFiles = one.recordIds.filter((recordId) =>
    yearFormats.some((format) => places.includes(one.states.get(`${recordId}/${format}`) ?? '')),
  );
  const recordIds = withFiles.length > 0 ? withFiles : [one.id];
  const keys = recordIds.flatMap((recordId) => yearFormats.map((format) => `${recordId}/${format}`));
  const missing = one.hasRaw ? 'processing' : 'not_produced';
  return Object.fromEntries(
    keys.map((key) => [key, one.states.get(key) ?? (one.begun.has(key) ? 'processing' : missing)]),
  );
}

/** A format that BBB has not finished yet, of a meeting whose raw files are there. */
export function unfinished(one: YearRecording): string[] {
  if (!one.hasRaw) return [];
  return yearFormats.filter((format) => one.recordIds.every((id) => !one.states.has(`${id}/${format}`)));
}

export function publish({ tree }: YearServer, one: YearRecording, format: string): void {
  const isSegmented = one.recordIds[0] !== one.id;
  const segments = one.recordIds.map((recordId) => Number(recordId.slice(one.id.length + 1)));
  tree.addMeeting({ id: one.id, formats: [format], eventsXml: false, ...(isSegmented ? { segments } : {}) });
  setStates(one, format, 'published');
}

/** Nobody wrote notes, or nobody shared a screen. */
export function publishNothing({ tree }: YearServer, one: YearRecording, format: string): void {
  for (const recordId of one.recordIds) writeStatus(tree, 'processed', recordId, format, 'done');
  for (const recordId of one.recordIds) writeStatus(tree, 'published', recordId, format, 'done');
  setStates(one, format, 'empty');
}

export function fail({ tree }: YearServer, one: YearRecording, format: string): void {
  for (const recordId of one.recordIds) writeStatus(tree, 'published', recordId, format, 'fail');
  setStates(one, format, 'failed_in_bbb');
}

function setStates(one: YearRecording, format: string, state: string): void {
  for (const recordId of one.recordIds) {
    one.states.set(`${recordId}/${format}`, state);
    one.begun.add(`${recordId}/${format}`);
  }
}

function writeStatus(tree: BbbTree, step: string, recordId: string, format: string, ending: string): void {
  writeFileSync(join(tree.recordingDir, 'status', step, `${recordId}-${format}.${ending}`), '');
}

/** bbb-web moves all formats of a recording; of one that is named, only that. */
export function move(
  { tree }: YearServer,
  one: YearRecording,
  { from, to, only }: { from: readonly string[]; to: string; only?: string },
): boolean {
  let isMoved = false;
  for (const [key, state] of one.states) {
    const [recordId = '', format = ''] = key.split('/');
    if (!from.includes(state) || (only ?? format) !== format) continue;
    const target = join(dirname(tree.publishedDir), to, format);
    mkdirSync(target, { recursive: true });
    rmSync(join(target, recordId), { recursive: true, force: true });
    renameSync(join(dirname(tree.publishedDir), state, format, recordId), join(target, recordId));
    one.states.set(key, to);
    isMoved = true;
  }
  return isMoved;
}

/** `--rebuild` and `--republish` begin again with a recording of which the raw files are there. */
export async function beginAgain(server: YearServer, one: YearRecording, option: string): Promise<void> {
  await runBbbRecord(server, option, one.id);
  one.states.clear();
  if (option === '--rebuild') one.begun.clear();
}

export async function deleteWithBbbRecord(server: YearServer, one: YearRecording): Promise<void> {
  await runBbbRecord(server, '--delete', one.id);
  one.states.clear();
  one.begun.clear();
  one.hasRaw = false;
}

async function runBbbRecord({ tree, bbbRecord }: YearServer, option: string, id: string): Promise<void> {
  const env = { PATH: bbbRecord.PATH, USER: 'bigbluebutton' };
  await runOrThrow('bbb-record', [option, id], { env, cwd: tree.scriptsDir });
}

/** The cron job, 14 days after a recording was published. */
export function deleteRaw({ tree }: YearServer, one: YearRecording): void {
  rmSync(join(tree.recordingDir, 'raw', one.id), { recursive: true });
  one.hasRaw = false;
  const longAgo = Date.now() / 1000 - 20 * 86_400;
  for (const [key, state] of one.states) {
    const [recordId = '', format = ''] = key.split('/');
    if (places.includes(state))
      utimesSync(join(dirname(tree.publishedDir), state, format, recordId), longAgo, longAgo);
  }
}

/** What is published on the disk: `RECORD_ID/FORMAT`, sorted. */
export function publishedOnDisk({ tree }: YearServer): string[] {
  return readdirSync(tree.publishedDir)
    .flatMap((format) => readdirSync(join(tree.publishedDir, format)).map((id) => `${id}/${format}`))
    .filter((key) => existsSync(join(tree.publishedDir, key.split('/').reverse().join('/'), 'metadata.xml')))
    .sort();
}
