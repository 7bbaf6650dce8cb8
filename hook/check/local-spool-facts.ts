/** A spool that is a directory of this server: what is known of it, its file system, and what failed there. */
import { realpathSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { askProbe } from '../spool/local/probe.ts';
import type { ChildOptions } from '../system/child-process.ts';
import { findMount, isAtOrBelow } from '../system/mounts.ts';
import { quietly } from '../system/paths.ts';
import { type PlannedMount, readPlannedMount } from '../system/planned-mount.ts';
import { readMounts } from '../system/proc.ts';
import { type Accounts, readGroup } from './account-facts.ts';
import { readLocalArchives } from './importer-facts.ts';
import type { Recordings } from './recording-facts.ts';

export interface SpoolContext {
  config: Config;
  accounts: Accounts;
  options: ChildOptions;
  recordings: Recordings;
  /** Sub directories that PILOS' meetings on this server ask for there, validated. */
  subDirs: readonly string[];
}

export type LocalSpool = Awaited<ReturnType<typeof readLocalSpool>>;
/** A spool whose directory is there. */
export type FoundSpool = LocalSpool & { found: NonNullable<LocalSpool['found']> };

export async function readLocalSpool(context: SpoolContext, directory: string) {
  const { accounts, options, subDirs, recordings } = context;
  const { requireMount, workDir } = context.config;
  const request = { directory, requireMount, workDir, subDirs: [...subDirs] };
  const { answers, isHung } = await askProbe(request, options);
  const found = answers.get('')?.directory?.found;
  const path = found?.path ?? directory;
  const mounts = readMounts();
  const placeOf = (place: string) => ({
    mount: findMount(place, mounts),
    planned: readPlannedMount(place, isHung),
  });
  return {
    ...{ kind: 'local' as const, directory, requireMount, subDirs, accounts },
    /** By sub directory. The probe did not come to its end where it is hung. */
    ...{ answers, isHung, found },
    /** Of the directory, or of the one above it that is there. */
    mount: findMount(path, mounts),
    planned: readPlannedMount(path, isHung) ?? (found && readPlannedByLink(directory, path)),
    /** A sub directory may be a mount of its own. */
    subDirPlaces: new Map(subDirs.map((subDir) => [subDir, placeOf(`${path}/${subDir}`)])),
    /** Undefined when its id has no name on this server. */
    groupName: found && (await readGroup(found.gid, options))?.name,
    pilosGroup: await readGroup('pilos-spool', options),
    archives: readLocalArchives(directory, answers, recordings),
    /** Where something was delivered to, of all spools. */
    destinations: recordings.formats.flatMap(({ delivered }) => delivered?.destination ?? []),
  };
}

/** fstab may name the mount point by a symbolic link, as spool_dir does. */
function readPlannedByLink(directory: string, path: string): PlannedMount | undefined {
  const planned = readPlannedMount(directory, false);
  const point = planned && quietly(() => realpathSync(planned.point));
  return point !== undefined && isAtOrBelow(path, point) ? planned : undefined;
}
