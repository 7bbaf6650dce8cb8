/** Debian's PostgreSQL, with a cluster of its own that is reached through a socket in its directory. */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from './run-program.ts';
import type { TestUser } from './users.ts';

export interface PostgreSql {
  /** What psql needs to reach it. */
  env: Record<string, string>;
  /** Creates a database and runs statements in it. */
  createDatabase(name: string, sql: string): Promise<void>;
  stop(): Promise<void>;
}

/** @param user it refuses to run as root */
export async function startPostgreSql(directory: string, user: TestUser): Promise<PostgreSql> {
  const [initdb = ''] = globSync('/usr/lib/postgresql/*/bin/initdb').sort().reverse();
  const pgCtl = join(initdb, '../pg_ctl');
  const data = join(directory, 'data');
  mkdirSync(directory);
  await runOrThrow('chown', [`${user.uid}:${user.gid}`, directory]);
  const as = { user: { uid: user.uid, gid: user.gid }, cwd: directory };
  await runOrThrow(initdb, ['--pgdata', data, '--username', 'postgres', '--auth', 'trust', '--no-sync'], as);
  const options = `-c listen_addresses= -c unix_socket_directories=${directory} -c fsync=off`;
  await runOrThrow(pgCtl, ['start', '-w', '-D', data, '-o', options, '-l', join(directory, 'log')], as);
  const env = { PGHOST: directory };
  const psql = (database: string, ...args: string[]) =>
    runOrThrow('psql', ['-U', 'postgres', '-d', database, '-v', 'ON_ERROR_STOP=1', ...args], { env });
  return {
    env,
    createDatabase: async (name, sql) => {
      await psql('postgres', '-c', `CREATE DATABASE "${name}"`);
      const file = join(directory, `${name}.sql`);
      writeFileSync(file, sql);
      await psql(name, '-f', file);
    },
    stop: async () => void (await runOrThrow(pgCtl, ['stop', '-m', 'immediate', '-D', data], as)),
  };
}
