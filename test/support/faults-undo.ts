/** What a test has mounted, started or created is undone when it ends, also when it fails. */

/** Remembers how to undo something; the last is undone first. */
export type Undo = (action: () => unknown) => void;

/** Runs `action`, then everything that it gave to `undo`, even when one of them fails. */
export async function withUndo<T>(action: (undo: Undo) => Promise<T>): Promise<T> {
  const actions: (() => unknown)[] = [];
  const failures: unknown[] = [];
  try {
    return await action((one) => actions.push(one));
  } finally {
    for (const one of actions.reverse()) {
      try {
        await one();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0)
      process.stderr.write(`faults: cannot undo: ${failures.map(String).join('; ')}\n`);
  }
}
