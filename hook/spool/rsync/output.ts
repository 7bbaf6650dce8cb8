/** What rsync's output says. */

/** True when the output of a send says that the file `name` was sent, and not passed over. */
export function saysSent(output: string, name: string): boolean {
  return output.split(/[\r\n]+/).some((line) => /^<f/.test(line) && line.endsWith(` ${name}`));
}

/** True when the output of a renaming says that the file got its name. */
export function saysRenamed(output: string, baseName: string): boolean {
  return output.split(/[\r\n]+/).some((line) => /^\*deleting\s+/.test(line) && line.endsWith(` ${baseName}`));
}

/** Bytes of the newest line that `--info=progress2` has written in `output`; undefined when there is none. */
export function parseProgress(output: string): number | undefined {
  const found = [...output.matchAll(/(?:^|[\r\n])\s*([\d.,]+)\s+\d+%/g)].at(-1)?.[1];
  return found === undefined ? undefined : Number(found.replace(/[.,]/g, ''));
}

/** Names of the archives in the output of `--list-only`. */
export function parseListedArchives(output: string): string[] {
  return [...output.matchAll(/^-\S+ +[\d,.]+ +\S+ +\S+ (.+\.tar)$/gm)].map(([, name = '']) => name);
}
