/** Runs an action when it is its turn. */
export type InTurn = <T>(action: () => Promise<T>) => Promise<T>;

/** Lets at most so many actions run at once; the others wait, the first to come first. */
export function createTurns(most: number): InTurn {
  let free = most;
  const waiting: (() => void)[] = [];
  const take = async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const give = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async (action) => {
    await take();
    try {
      return await action();
    } finally {
      give();
    }
  };
}
