/** What only root may change in the spool, as a command for the server on which root may. */
import type { Mount } from '../system/mounts.ts';
import { sh } from '../system/shell-quote.ts';

/** Another server may know the group by another name, or by none: there, the id is what counts. */
export function pilosGroupFor(
  mount: Mount,
  pilosGroup: { gid: number } | undefined,
): { create: string; group: string | number } {
  if (findServer(mount) !== undefined) return { create: '', group: pilosGroup?.gid ?? 2000 };
  const create = pilosGroup === undefined ? 'groupadd --gid 2000 pilos-spool && ' : '';
  return { create, group: 'pilos-spool' };
}

/**
 * Over NFS, root of this server is usually nobody on the other one, and there the paths are others. What is mounted as
 * `/` of NFS 4 lies where only that server knows (`fsid=0` in exports(5)).
 */
export function asRoot(
  mount: Mount,
  paths: readonly string[],
  commandFor: (places: readonly string[]) => string,
): string {
  const server = findServer(mount);
  if (server === undefined) return commandFor(paths);
  const { name, exported } = server;
  const isTop = exported === '/';
  const top = isTop ? '.' : exported.replace(/\/+$/, '');
  const where = isTop ? `on ${name}, in the directory that it exports as /` : `on ${name}`;
  return `${where}: ${commandFor(paths.map((path) => top + path.slice(mount.point.replace(/\/$/, '').length)))}`;
}

/**
 * Makes directories in one that is there.
 *
 * @param options of install(1)
 */
export function createAsRoot(mount: Mount, above: string, names: readonly string[], options: string): string {
  const install = `install -d ${options}`;
  if (findServer(mount) === undefined) return `${install} ${sh`${names.map((name) => `${above}/${name}`)}`}`;
  // Where the server has it elsewhere after all, nothing is made.
  return asRoot(mount, [above], (places) => `${sh`cd ${places}`} && ${install} ${sh`${names}`}`);
}

function findServer({ type, source }: Mount): { name: string; exported: string } | undefined {
  const [, name, exported] = /^(.+?):(\/.*)$/.exec(source) ?? [];
  if (!type.startsWith('nfs') || name === undefined || exported === undefined) return undefined;
  return { name, exported };
}
