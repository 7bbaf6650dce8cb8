/** Packs a directory with hook/archive/archive.ts, as a delivery does, into a file beside it. */
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type ArchivePlan, planArchive } from '../../../hook/archive/archive.ts';
import { type WriteOptions, writeArchive } from '../../../hook/archive/write-archive.ts';

export interface PackOptions extends WriteOptions {
  /** Name of the directory in the archive, `<format>/<record id>`. */
  prefix?: string;
  /** Called between the plan and the writing. */
  meanwhile?: (plan: ArchivePlan) => void;
}

/** The plan and the bytes of the archive. */
export async function pack(
  directory: string,
  { prefix = 'video/m-1', meanwhile, ...options }: PackOptions = {},
): Promise<{ plan: ArchivePlan; bytes: Buffer }> {
  const file = `${directory}.tar`;
  const plan = planArchive(directory, prefix);
  meanwhile?.(plan);
  const target = openSync(file, 'w');
  try {
    await writeArchive(plan, target, options);
    return { plan, bytes: readFileSync(file) };
  } finally {
    closeSync(target);
    rmSync(file);
  }
}
