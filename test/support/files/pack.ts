/** Packs a directory with hook/archive/archive.ts, as a delivery does, into a file beside it. */
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type ArchivePlan, type PlanOptions, planArchive } from '../../../hook/archive/archive.ts';
import { type WriteOptions, writeArchive } from '../../../hook/archive/write-archive.ts';

export interface PackOptions extends WriteOptions, PlanOptions {
  /** Name of the directory in the archive, `<format>/<record id>`. */
  prefix?: string;
  /** Called between the plan and the writing. */
  meanwhile?: (plan: ArchivePlan) => void;
}

/** The plan, the bytes of the archive, and the checksum of its content. */
export async function pack(
  directory: string,
  { prefix = 'video/m-1', meanwhile, checkMetadata, ...options }: PackOptions = {},
): Promise<{ plan: ArchivePlan; bytes: Buffer; checksum: string }> {
  const file = `${directory}.tar`;
  const plan = planArchive(directory, prefix, { checkMetadata });
  meanwhile?.(plan);
  const target = openSync(file, 'w');
  try {
    const { checksum } = await writeArchive(plan, target, options);
    return { plan, bytes: readFileSync(file), checksum };
  } finally {
    closeSync(target);
    rmSync(file);
  }
}
