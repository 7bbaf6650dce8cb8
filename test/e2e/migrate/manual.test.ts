/** docs/migration.md, typed in as it stands: Greenlight's databases are real ones of PostgreSQL, with its table of rooms. */
import { linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { findPage } from '../../support/docs/pages.ts';
import { createPilos } from '../../support/pilos/pilos.ts';
import { startPostgreSql } from '../../support/program/postgresql.ts';
import { runProgram, systemPath } from '../../support/program/run-program.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();
const { blocks } = findPage('docs/migration.md');
const minute = 60_000;

/** As Greenlight's db/schema.rb has them, of versions 2 and 3. */
const rooms2 = `CREATE TABLE rooms (id bigserial PRIMARY KEY, user_id integer, name varchar, uid varchar, bbb_id varchar,
  sessions integer DEFAULT 0, last_session timestamp, created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
  room_settings varchar DEFAULT '{ }', moderator_pin varchar, access_code varchar, deleted boolean NOT NULL DEFAULT false);`;
const rooms3 = `CREATE TABLE rooms (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, name varchar NOT NULL,
  friendly_id varchar NOT NULL, meeting_id varchar NOT NULL, last_session timestamp, created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL, online boolean DEFAULT false, recordings_processing integer DEFAULT 0);`;
const insert2 = ({ externalId }: Meeting, deleted: boolean) =>
  `INSERT INTO rooms (name, bbb_id, created_at, updated_at, deleted) VALUES ('Jörg''s', '${externalId}', now(), now(), ${deleted});`;
const insert3 = ({ externalId }: Meeting) =>
  `INSERT INTO rooms (user_id, name, friendly_id, meeting_id, created_at, updated_at)
  VALUES (gen_random_uuid(), 'x', 'abc-def', '${externalId}', now(), now());`;

/** The lines of the page that begin so. */
function linesOf(beginning: string): string[] {
  return blocks.flatMap(({ text }) => text.split('\n')).filter((line) => line.startsWith(beginning));
}

/** `docker compose exec` enters the container of the database, and sudo becomes root: both are here already. */
function createShell(tree: BbbTree, env: Record<string, string>) {
  const directory = join(tree.root, 'typed');
  mkdirSync(directory);
  tree.installHook();
  linkSync(join(tree.postPublishDir, 'pilos-post-publish'), join(directory, 'pilos-post-publish'));
  const entering = '#!/bin/sh\n[ "$1 $2 $3" = "compose exec -T" ] && shift 4 && exec "$@"\n';
  writeFileSync(join(directory, 'docker'), entering, { mode: 0o755 });
  writeFileSync(join(directory, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  const all = { ...tree.env, ...env, PATH: `${directory}:${systemPath()}` };
  return async (line: string) => {
    const { status, stdout, stderr } = await runProgram('sh', ['-c', line], { cwd: directory, env: all });
    return { status, stdout, stderr, ids: () => readFileSync(join(directory, 'ids.txt'), 'utf8') };
  };
}

it('exports the ids, lists, tries a few and sends the rest; PILOS has each recording of a room that is not deleted', {
  timeout: 5 * minute,
}, async () => {
  const tree = createTree({ formats: ['podcast'] });
  const meetings = Array.from({ length: 5 }, () =>
    tree.addMeeting({ origin: 'Greenlight', formats: ['podcast'], eventsXml: false }),
  );
  const [deleted, ...kept] = meetings as [Meeting, ...Meeting[]];
  const user = await createBbbUser();
  const database = await startPostgreSql(join(tree.root, 'postgresql'), user);
  try {
    const all2 = kept.map((one) => insert2(one, false)).join('\n');
    await database.createDatabase('greenlight_production', `${rooms2}\n${insert2(deleted, true)}\n${all2}`);
    await database.createDatabase('greenlight-v3-production', `${rooms3}\n${kept.map(insert3).join('\n')}`);
    const type = createShell(tree, database.env);
    const exports = linesOf('docker compose exec');
    expect(exports).toHaveLength(2);
    for (const line of exports) {
      const { status, stderr, ids } = await type(line);
      expect({ status, stderr }, line).toEqual({ status: 0, stderr: '' });
      expect(ids().trim().split('\n').sort()).toEqual(kept.map(({ externalId }) => externalId).sort());
    }

    const pilos = await createPilos({
      ...{ spool: tree.spoolDir, store: join(tree.root, 'pilos') },
      meetings: kept.map(({ externalId }) => externalId),
    });
    const importer = pilos.start(0.2);
    const [list = '', few = '', rest = ''] = linesOf('sudo pilos-post-publish migrate --meeting-ids ids.txt');
    const planned = await type(list);
    expect(planned).toMatchObject({ status: 0, stderr: '' });
    for (const { id } of kept) expect(planned.stdout).toContain(id.slice(0, 8));
    // Not everything is sent after the first.
    expect(await type(few), few).toMatchObject({ status: 75, stderr: '' });
    expect(await type(rest), rest).toMatchObject({ status: 0, stderr: '' });
    // migrate has waited for the last one.
    expect(pilos.recordingIds().sort()).toEqual(kept.map(({ id }) => id).sort());
    await importer.stop();
  } finally {
    await database.stop();
    await removeUser(user);
  }
});

it('waits until PILOS has taken the last ones, so that those which it refuses are listed at the end', {
  timeout: 5 * minute,
}, async () => {
  const tree = createTree({ formats: ['podcast'] });
  const greenlight = { origin: 'Greenlight', formats: ['podcast'] };
  tree.addMeeting({ ...greenlight, externalId: 'known' });
  const { id } = tree.addMeeting({ ...greenlight, externalId: 'unknown' });
  const pilos = await createPilos({
    ...{ spool: tree.spoolDir, store: join(tree.root, 'pilos') },
    meetings: ['known'],
  });
  const importer = pilos.start(0.2);
  const { status, stdout } = await tree.run(['migrate', '--origin', 'Greenlight']);
  await importer.stop();
  expect(status).toBe(65);
  expect(stdout).toContain('waiting until PILOS has imported the last ');
  expect(stdout).toContain(id.slice(0, 8));
  expect(stdout).toMatch(/\nrefused by PILOS +1\n/);
  expect(pilos.recordingIds()).toHaveLength(1);
});

it('gives up waiting when PILOS takes none for --patience, and says so; nothing is lost', async () => {
  const tree = createTree({ formats: ['podcast'] });
  tree.addMeeting({ origin: 'Greenlight', formats: ['podcast'] });
  const { status, stderr } = await tree.run(['migrate', '--origin', 'Greenlight', '--patience', '1s']);
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('PILOS has taken nothing for'),
  });
  expect(tree.spoolFiles()).toHaveLength(1);
});
