/** PILOS imports what lies in the spool of a tree, and the next run of the timer sees that. */
import { join } from 'node:path';
import type { BbbTree, BbbTreeRunOptions } from '../bbb/bbb-tree.ts';
import type { ProgramResult } from '../program/run-program.ts';
import { importSpool } from './import-spool.ts';

/** The result of `deliver`, which confirms the imports. */
export async function confirmImports(tree: BbbTree, options: BbbTreeRunOptions = {}): Promise<ProgramResult> {
  await importSpool(tree.spoolDir, join(tree.root, 'store'));
  return await tree.run(['deliver'], options);
}
