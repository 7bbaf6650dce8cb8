/** A BBB server with PILOS' own script, below the root directory of a system. */
import { appendFileSync, chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runOrThrow } from '../program/run-program.ts';

export const postPublish = '/usr/local/bigbluebutton/core/scripts/post_publish';
export const launcher = `${postPublish}/pilos_post_publish.rb`;
export const executable = `${postPublish}/pilos-post-publish`;
export const pilosYml = '/etc/bigbluebutton/recording/pilos.yml';
export const workDir = '/var/bigbluebutton/recording/pilos';
const spoolDir = '/mnt/recordings-spool';
export const pilosScript = "#!/usr/bin/ruby\nputs 'the script of PILOS'\n";
export const ownPilosYml = `# ours\nwork_dir: ${workDir}\nspool_dir: ${spoolDir}\n`;

/** Sent by PILOS' script, and not yet sent. */
export const sentId = `${'a'.repeat(40)}-1712758751753`;
export const newId = `${'b'.repeat(40)}-1712758751754`;
const userId = 998;

/** What BBB and PILOS' documentation put there, with two published recordings, one of them sent. */
export async function createBbbServer(root: string): Promise<void> {
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  appendFileSync(
    join(root, 'etc/passwd'),
    `bigbluebutton:x:${userId}:${userId}::/home/bigbluebutton:/bin/sh\n`,
  );
  appendFileSync(join(root, 'etc/group'), `bigbluebutton:x:${userId}:\n`);
  const [var_, log] = ['/var/bigbluebutton', '/var/log/bigbluebutton'];
  const directories = `published_dir: ${var_}/published\nrecording_dir: ${var_}/recording\nlog_dir: ${log}\n`;
  write(
    `${dirname(postPublish)}/bigbluebutton.yml`,
    `${directories}steps: { archive: publish:presentation }\n`,
  );
  write(launcher, pilosScript);
  write(pilosYml, ownPilosYml);
  write(`${log}/post_publish.log`, '');
  for (const id of [sentId, newId]) {
    const metadata = '<metadata meetingName="Analysis I" bbb-origin="PILOS" pilos-sub-spool-dir=""/>';
    write(
      `${var_}/recording/raw/${id}/events.xml`,
      `<recording meeting_id="${id}">\n${metadata}\n</recording>\n`,
    );
    const meta = '<meta><bbb-origin>PILOS</bbb-origin></meta>';
    const xml = `<recording><id>${id}</id>${meta}<playback><format>presentation</format></playback></recording>`;
    write(`${var_}/published/presentation/${id}/metadata.xml`, xml);
    // Older than a minute: BBB is not publishing it at this moment.
    const published = Date.now() / 1000 - 3600;
    utimesSync(join(root, `${var_}/published/presentation/${id}/metadata.xml`), published, published);
  }
  write(`${var_}/recording/status/published/${sentId}-sender.done`, `Published ${sentId}\n`);
  mkdirSync(join(root, spoolDir), { recursive: true });
  for (const path of [var_, log, spoolDir])
    await runOrThrow('chown', ['--recursive', `${userId}:${userId}`, join(root, path)]);
  chmodSync(join(root, spoolDir), 0o2775);
}

/** As BBB's worker calls it after a format was published. */
export function bbbCall(id: string): [string, ...string[]] {
  const user = [`--reuid=${userId}`, `--regid=${userId}`, '--clear-groups'];
  return ['setpriv', ...user, 'ruby', launcher, '-m', id, '-f', 'presentation'];
}

export function isDelivered(root: string, id: string): boolean {
  return existsSync(join(root, spoolDir, `${id}-presentation.tar`));
}
