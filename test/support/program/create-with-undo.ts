/** Something that is made in several steps, and whose steps are undone together: also when one of them fails. */

/** Remembers how to undo a step; the last is undone first. */
export type Undo = (action: () => unknown) => void;

export async function createWithUndo<T>(
  create: (undo: Undo) => Promise<T>,
): Promise<{ value: T; remove: () => Promise<void> }> {
  const actions: (() => unknown)[] = [];
  async function remove(): Promise<void> {
    const action = actions.pop();
    if (action === undefined) return;
    try {
      await action();
    } finally {
      await remove();
    }
  }
  try {
    return { value: await create((action) => actions.push(action)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
