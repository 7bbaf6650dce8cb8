/** A BBB server with PILOS' own script, below the root directory of a system. */
import { appendFileSync, existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from '../program/run-program.ts';
import { describePaths, makeDirectories, writeConfiguration } from './bbb-configuration.ts';
import { writeMeeting } from './bbb-meeting.ts';

/** As programs with that root directory see it. */
const seen = describePaths('');
export const { postPublishDir: postPublish, pilosYml, workDir } = seen;
export const launcher = `${postPublish}/pilos_post_publish.rb`;
export const executable = `${postPublish}/pilos-post-publish`;
export const pilosScript = "#!/usr/bin/ruby\nputs 'the script of PILOS'\n";
export const ownPilosYml = `# own\nwork_dir: ${workDir}\nspool_dir: ${seen.spoolDir}\n`;

/** Sent by PILOS' script, and not yet sent. */
export const sentId = `${'a'.repeat(40)}-1712758751753`;
export const newId = `${'b'.repeat(40)}-1712758751754`;
const userId = 998;

/** What BBB and PILOS' documentation put there, with two published recordings, one of them sent. */
export async function createBbbServer(root: string): Promise<void> {
  const passwd = `bigbluebutton:x:${userId}:${userId}::/home/bigbluebutton:/bin/sh\n`;
  appendFileSync(join(root, 'etc/passwd'), passwd);
  appendFileSync(join(root, 'etc/group'), `bigbluebutton:x:${userId}:\n`);
  const paths = describePaths(root);
  makeDirectories(paths);
  writeConfiguration(paths, {}, seen);
  writeFileSync(paths.pilosYml, ownPilosYml);
  writeFileSync(join(root, launcher), pilosScript);
  writeFileSync(`${paths.logDir}/post_publish.log`, '');
  for (const id of [sentId, newId]) {
    const meeting = writeMeeting(paths, id, { id });
    // Older than a minute: BBB is not publishing it at this moment.
    const published = Date.now() / 1000 - 3600;
    utimesSync(`${meeting.published('presentation')}/metadata.xml`, published, published);
  }
  writeFileSync(`${paths.recordingDir}/status/published/${sentId}-sender.done`, `Published ${sentId}\n`);
  for (const path of [paths.varDir, paths.logDir, paths.spoolDir])
    await runOrThrow('chown', ['--recursive', `${userId}:${userId}`, path]);
}

/** As BBB's worker calls it after a format was published. */
export function bbbCall(id: string): [string, ...string[]] {
  const user = [`--reuid=${userId}`, `--regid=${userId}`, '--clear-groups'];
  return ['setpriv', ...user, 'ruby', launcher, '-m', id, '-f', 'presentation'];
}

export function isDelivered(root: string, id: string): boolean {
  return existsSync(join(root, seen.spoolDir, `${id}-presentation.tar`));
}
