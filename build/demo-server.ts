/** What the demo runs on: a small BBB server and a mounted spool, below a temporary directory. */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, copyFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describePaths, makeDirectories, writeConfiguration } from '../test/support/bbb/bbb-configuration.ts';
import { writeMeeting } from '../test/support/bbb/bbb-meeting.ts';
import { programName } from './project.ts';

const ids = [
  '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753',
  'c2d1ff00ab3d77e21cc7a8f3f25d8f0e9d3cbf71-1712764800421',
  '0a9b14e2c37d60f5ad12be48937c6d0158e2f4ab-1712768400090',
  '7d41c09be85f21a6d3e0975b1c84fa2670b9e153-1712772000317',
] as const;

/**
 * `subDir` is RECORDING_SPOOL_SUB_DIRECTORY of the PILOS that made the meeting, `externalId` what that knows it by.
 */
interface Meeting {
  id: string;
  externalId: string;
  name: string;
  origin: string;
  subDir: string;
  formats: readonly string[];
}

function meeting(number: number, values: Omit<Meeting, 'id' | 'externalId'>): Meeting {
  return { id: ids[number] ?? '', externalId: `bf8d59d9-5a4c-4d0e-9a55-00000000000${number}`, ...values };
}

const [presentation, both] = [['presentation'], ['presentation', 'video']];
/** Its video is published while the storage is away. */
export const late = meeting(0, { name: 'Analysis I', origin: 'PILOS', subDir: '', formats: both });
/** Its room was deleted in PILOS before the recording came. */
export const refused = meeting(3, {
  name: 'Deleted room',
  origin: 'PILOS',
  subDir: '',
  formats: presentation,
});
export const meetings: readonly Meeting[] = [
  late,
  meeting(1, { name: 'Übung & Fragen', origin: 'PILOS', subDir: 'instance1', formats: presentation }),
  meeting(2, { name: 'Staff meeting', origin: 'Greenlight', subDir: '', formats: presentation }),
  refused,
];

/** As `make demo` shows them, below a temporary directory. */
const shown = describePaths('');
export const { publishedDir: published, recordingDir: recording, spoolDir: spool } = shown;
export const { scriptsDir: scripts, pilosYml: pilosConfig, bigbluebuttonYml: bbbConfig } = shown;
export const launcher = `${shown.postPublishDir}/pilos_post_publish.rb`;
const logFile = `${shown.logDir}/post_publish.log`;

/**
 * Writes it all below `root`, with the launcher and a link to the executable of `distDirectory`.
 *
 * @returns the group id of the spool directory
 */
export function createServer(root: string, distDirectory: string): number {
  const paths = describePaths(root);
  makeDirectories(paths, ['instance1']);
  writeConfiguration(paths, { formats: ['presentation', 'video'] });
  writeFileSync(join(root, logFile), '');
  copyFileSync(join(distDirectory, 'pilos_post_publish.rb'), join(root, launcher));
  symlinkSync(join(distDirectory, programName), join(paths.postPublishDir, programName));
  for (const { formats, ...meeting } of meetings) {
    // The formats are of different sizes.
    for (const format of formats)
      writeMeeting(paths, meeting.id, { ...meeting, formats: [format], files: filesOf(format) });
  }
  // As PILOS needs it: group pilos-spool, which has the id 2000. Only root can give a directory away.
  const group = process.getuid?.() === 0 ? 2000 : (process.getgroups?.().at(-1) ?? -1);
  for (const directory of [paths.spoolDir, `${paths.spoolDir}/instance1`]) {
    chownSync(directory, -1, group);
    chmodSync(directory, 0o2775);
  }
  return group;
}

/** Sizes as BBB has them, and a name that PILOS has to keep. */
function filesOf(format: string): Record<string, Buffer> {
  if (format === 'video') return { 'video-0.m4v': randomBytes(6_200_000) };
  const slides = 'presentation/d2d9a672040fbde2a47a10bf6c37b6a4b5ae187f-1712758751761';
  return {
    'video/webcams.webm': randomBytes(3_400_000),
    [`${slides}/Übungsblatt 1.pdf`]: randomBytes(184_320),
    [`${slides}/textfiles/slide-1.txt`]: Buffer.alloc(0),
  };
}
