/** Which file system holds a path, and which should: `/proc/self/mountinfo` and `/etc/fstab`. Pure. */
import { mountPointOf } from '../system/mounts.ts';

export interface Mount {
  point: string;
  /** `nfs4`, `ext4`, … */
  type: string;
  /** `server:/export`, a device, … */
  source: string;
}

/** The file system that holds `path`, from the text of proc_pid_mountinfo(5). */
export function mountOf(path: string, mountinfo: string): Mount {
  const point = mountPointOf(path, mountinfo);
  let found: Mount = { point, type: 'unknown', source: 'unknown' };
  for (const line of mountinfo.split('\n')) {
    const [place = '', filesystem = ''] = line.split(' - ');
    const written = unescapeOctal(place.split(' ')[4] ?? '');
    const [type, source] = filesystem.split(' ');
    // The last one was mounted over the others.
    if (written === point && type !== undefined && source !== undefined) {
      found = { point, type, source: unescapeOctal(source) };
    }
  }
  return found;
}

/** The mount point that fstab(5) has for `path` or for a directory above it, but for `/`. */
export function plannedMountPoint(path: string, fstab: string): string | undefined {
  const points = fstab
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .map((line) => unescapeOctal(line.trim().split(/\s+/)[1] ?? ''))
    .map((point) => point.replace(/(?<=.)\/+$/, ''))
    .filter((point) => point.startsWith('/') && point !== '/')
    .filter((point) => path === point || path.startsWith(`${point}/`));
  return points.sort((one, other) => other.length - one.length)[0];
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
}
