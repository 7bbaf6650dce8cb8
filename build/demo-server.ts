/** What the demo runs on: a small BBB server and a mounted spool, below a temporary directory. */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programName } from './project.ts';

const ids = [
  '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753',
  'c2d1ff00ab3d77e21cc7a8f3f25d8f0e9d3cbf71-1712764800421',
  '0a9b14e2c37d60f5ad12be48937c6d0158e2f4ab-1712768400090',
  '7d41c09be85f21a6d3e0975b1c84fa2670b9e153-1712772000317',
] as const;

/**
 * `subDir` is RECORDING_SPOOL_SUB_DIRECTORY of the PILOS that made the meeting, `externalId` what that knows it by.
 * The last one's room was deleted there before the recording came.
 */
export const meetings = [
  { name: 'Analysis I', origin: 'PILOS', subDir: '', formats: ['presentation', 'video'], isKnown: true },
  { name: 'Übung & Fragen', origin: 'PILOS', subDir: 'instance1', formats: ['presentation'], isKnown: true },
  { name: 'Staff meeting', origin: 'Greenlight', subDir: '', formats: ['presentation'], isKnown: false },
  { name: 'Deleted room', origin: 'PILOS', subDir: '', formats: ['presentation'], isKnown: false },
].map((meeting, index) => ({
  id: ids[index] ?? '',
  externalId: `bf8d59d9-5a4c-4d0e-9a55-00000000000${index + 1}`,
  ...meeting,
}));

export const published = '/var/bigbluebutton/published';
export const recording = '/var/bigbluebutton/recording';
export const spool = '/mnt/storage/recordings-spool';
export const logFile = '/var/log/bigbluebutton/post_publish.log';
export const scripts = '/usr/local/bigbluebutton/core/scripts';
export const launcher = `${scripts}/post_publish/pilos_post_publish.rb`;
export const pilosConfig = '/etc/bigbluebutton/recording/pilos.yml';
export const bbbConfig = `${scripts}/bigbluebutton.yml`;

type Make = (path: string, content: string | Buffer) => void;

/**
 * Writes it all below `root`, with the launcher and a link to the executable of `distDirectory`.
 *
 * @returns the group id of the spool directory
 */
export function createServer(root: string, distDirectory: string): number {
  const make: Make = (path, content) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  make(pilosConfig, `work_dir: ${root}${recording}/pilos\nspool_dir: ${root}${spool}\n`);
  const directories = `published_dir: ${root}${published}\nrecording_dir: ${root}${recording}\n`;
  const rest = `log_dir: ${root}${dirname(logFile)}\nsteps: { archive: [publish:presentation, publish:video] }\n`;
  make(bbbConfig, directories + rest);
  make(logFile, '');
  for (const made of [dirname(launcher), `${spool}/instance1`])
    mkdirSync(join(root, made), { recursive: true });
  copyFileSync(join(distDirectory, 'pilos_post_publish.rb'), join(root, launcher));
  symlinkSync(join(distDirectory, programName), join(root, dirname(launcher), programName));
  for (const meeting of meetings) createMeeting(make, meeting);
  // As PILOS needs it: group pilos-spool, which has the id 2000, and setgid. Only root can give a directory away.
  const group = process.getuid?.() === 0 ? 2000 : (process.getgroups?.().at(-1) ?? -1);
  for (const directory of [spool, `${spool}/instance1`]) {
    chownSync(join(root, directory), -1, group);
    chmodSync(join(root, directory), 0o2775);
  }
  return group;
}

function createMeeting(make: Make, meeting: (typeof meetings)[number]): void {
  const { id, name, origin, subDir, formats, externalId } = meeting;
  const xmlName = name.replace('&', '&amp;');
  const metadata = `<metadata meetingName="${xmlName}" bbb-origin="${origin}" pilos-sub-spool-dir="${subDir}"/>`;
  const events = `<recording meeting_id="${id}">\n<meeting id="${id}"/>\n${metadata}\n</recording>\n`;
  make(`${recording}/raw/${id}/events.xml`, events);
  const ofMeeting = `<meetingId>${externalId}</meetingId><meetingName>${xmlName}</meetingName>`;
  const meta = `<meta><bbb-origin>${origin}</bbb-origin>${ofMeeting}</meta>`;
  for (const format of formats) {
    const link = `<link>https://bbb.example.org/playback/${format}/${id}/</link>`;
    const playback = `<playback><format>${format}</format>${link}</playback>`;
    const xml = `<recording><id>${id}</id>${meta}${playback}</recording>\n`;
    make(`${published}/${format}/${id}/metadata.xml`, xml);
    make(`${recording}/status/published/${id}-${format}.done`, `Published ${id}`);
    for (const [file, size] of filesOf(format))
      make(`${published}/${format}/${id}/${file}`, randomBytes(size));
  }
}

/** Names and sizes as BBB has them. The slides' paths are longer than the 100 bytes of a plain tar name. */
function filesOf(format: string): [string, number][] {
  if (format === 'video') return [['video-0.m4v', 6_200_000]];
  const slides = 'presentation/d2d9a672040fbde2a47a10bf6c37b6a4b5ae187f-1712758751761';
  return [
    ['shapes.svg', 48_113],
    ['video/webcams.webm', 3_400_000],
    [`${slides}/Übungsblatt 1.pdf`, 184_320],
    [`${slides}/svgs/slide1.svg`, 30_201],
    [`${slides}/thumbnails/thumb-1.png`, 5_019],
    [`${slides}/textfiles/slide-1.txt`, 0],
  ];
}
