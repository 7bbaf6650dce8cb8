/** Whether two files hold the same bytes. */
import { runChild } from './child-process.ts';

/** The executable is over 100 MB: cmp compares block by block, and is part of every Debian. Links are followed. */
export async function hasSameContent(one: string, other: string): Promise<boolean> {
  const { exitStatus } = await runChild(['cmp', '--silent', '--', one, other]);
  return exitStatus === 0;
}
