/** What a test has mounted, started or created is undone when it ends, also when it fails. */

/** Remembers how to undo something; the last is undone first. */
export type Undo = (action: () => unknown) => void;

/** Runs `action`, then everything that it gave to `undo`, even when one of them fails. */
export async function withUndo<T>(action: (undo: Undo) => Promise<T>): Promise<T> {
  const { undo, undoAll } = createUndo();
  try {
    return await action(undo);
  } finally {
    await undoAll();
  }
}

/** For what outlives a function, such as a server that all tests of a file share. */
export function createUndo(): { undo: Undo; undoAll: () => Promise<void> } {
  const actions: (() => unknown)[] = [];
  const undoAll = async () => {
    for (let one = actions.pop(); one !== undefined; one = actions.pop()) {
      try {
        await one();
      } catch (error) {
        process.stderr.write(`faults: cannot undo: ${String(error)}\n`);
      }
    }
  };
  return { undo: (action) => actions.push(action), undoAll };
}
