/** What is to be mounted at a place, as /etc/fstab and systemd's units say. */
import { readdirSync } from 'node:fs';
import { findMount, type Mount, plannedMountPoint } from './mounts.ts';
import { quietly, readText, statOrUndefined } from './paths.ts';
import { readMounts } from './proc.ts';
import { sh } from './shell-quote.ts';

const unitDirectories = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/usr/lib/systemd/system',
];

export interface PlannedMount {
  point: string;
  /** Mounts it. */
  command: string;
}

/**
 * What fstab or a mount unit of systemd mounts there or above it, and the command that does. Without its unit it needs the
 * directory, which nobody may fill as long as nothing is mounted.
 *
 * @param isHung whoever touches it now may never come back
 */
export function readPlannedMount(path: string, isHung: boolean): PlannedMount | undefined {
  const inFstab = plannedMountPoint(path, readText('/etc/fstab'));
  const inUnit = plannedMountPoint(path, '', readMountUnits());
  if (inUnit !== undefined && inUnit.length > (inFstab?.length ?? 0)) {
    const unit = `"$(${sh`systemd-escape --path --suffix=mount ${inUnit}`})"`;
    return { point: inUnit, command: `systemctl start ${unit}` };
  }
  if (inFstab === undefined) return undefined;
  const isMissing = !isHung && statOrUndefined(inFstab) === undefined;
  const create = isMissing ? sh`install -d -m 0 ${inFstab} && ` : '';
  return { point: inFstab, command: `${create}${sh`mount ${inFstab}`}` };
}

/** The same, while it is not mounted: a directory that is made there now would lie below it. */
export function findUnmounted(path: string): PlannedMount | undefined {
  return unlessMounted(readPlannedMount(path, false), findMount(path, readMounts()));
}

/** @param mount what is mounted at the same place, or above it */
export function unlessMounted(
  planned: PlannedMount | undefined,
  { point }: Pick<Mount, 'point'>,
): PlannedMount | undefined {
  return planned !== undefined && planned.point.length > point.length ? planned : undefined;
}

export function describeUnmounted({ point }: PlannedMount): string {
  return `${point} is not mounted, though /etc/fstab or a mount unit says so`;
}

function readMountUnits(): string[] {
  return unitDirectories.flatMap((directory) => {
    const names = quietly(() => readdirSync(directory)) ?? [];
    const units = names.filter((name) => /\.(auto)?mount$/.test(name));
    return units.map((name) => readText(`${directory}/${name}`));
  });
}
