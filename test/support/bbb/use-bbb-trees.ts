/** BBB servers for the tests of one file, removed after each test. */
import { afterEach } from 'vitest';
import type { BbbTreeOptions } from './bbb-configuration.ts';
import { type BbbTree, createBbbTree } from './bbb-tree.ts';

/** Call it once at the top of a test file; what it returns makes a tree. */
export function useBbbTrees(): (options?: BbbTreeOptions) => BbbTree {
  const trees: BbbTree[] = [];
  afterEach(() => {
    for (const tree of trees.splice(0)) tree.remove();
  });
  return (options) => {
    const tree = createBbbTree(options);
    trees.push(tree);
    return tree;
  };
}
