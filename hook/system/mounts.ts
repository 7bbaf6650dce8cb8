/** What is mounted where. */

/** The mount point that holds `path`, from the text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)). */
export function mountPointOf(path: string, mountinfo: string): string {
  let longest = '/';
  for (const line of mountinfo.split('\n')) {
    const written = line.split(' ')[4];
    if (written === undefined) continue;
    const point = written.replace(/\\([0-7]{3})/g, (_, code) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    if ((path === point || path.startsWith(`${point}/`)) && point.length >= longest.length) longest = point;
  }
  return longest;
}
