/** What is mounted where, and what should be. Pure: the callers read the files. */

export interface Mount {
  point: string;
  /** `nfs4`, `ext4`, … */
  type: string;
  /** `server:/export`, a device, … */
  source: string;
}

export interface MountEntry extends Mount {
  id: string;
  /** `MAJOR:MINOR` */
  device: string;
}

/** The text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)), in its order: the later lies over the earlier. */
export function parseMounts(mountinfo: string): MountEntry[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [place = '', filesystem = ''] = line.split(' - ');
    const [id = '', , device = '', , point = ''] = place.split(' ');
    const [type = 'unknown', source = 'unknown'] = filesystem.split(' ');
    return point === ''
      ? []
      : [{ id, device, point: unescapeOctal(point), type, source: unescapeOctal(source) }];
  });
}

/** The file system that holds `path`. */
export function findMount(path: string, mounts: readonly Mount[]): Mount {
  let found: Mount = { point: '/', type: 'unknown', source: 'unknown' };
  for (const { point, type, source } of mounts)
    if (isAtOrBelow(path, point) && point.length >= found.point.length) found = { point, type, source };
  return found;
}

/** The mount point that fstab(5) or one of systemd's mount units has for `path`, or for a directory above it but `/`. */
export function plannedMountPoint(
  path: string,
  fstab: string,
  units: readonly string[] = [],
): string | undefined {
  const lines = fstab.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  return [
    ...lines.map((line) => unescapeOctal(line.trim().split(/\s+/)[1] ?? '')),
    ...units.map((text) => /^Where=(\/.*?)\s*$/m.exec(text)?.[1] ?? ''),
  ]
    .map((point) => point.replace(/(?<=.)\/+$/, ''))
    .filter((point) => point.startsWith('/') && point !== '/' && isAtOrBelow(path, point))
    .sort((one, other) => other.length - one.length)[0];
}

export function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
}
