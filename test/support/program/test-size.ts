/** How much is tried of what has many cases: a size that fits CI, or all of it with `make faults` (FAULTS=full). */

const isFull = process.env['FAULTS'] === 'full';

export function sized(small: number, full: number): number {
  return isFull ? full : small;
}

/** One of each `count` elements, beginning with that of index `first`; all of them at full size. */
export function oneOfEach<T>(count: number, elements: readonly T[], first = 0): T[] {
  return elements.filter((_, index) => isFull || index % count === first % count);
}

let isQuiet = false;

/** Prints a figure of the suite. */
export function printFigure(figure: string): void {
  if (!isQuiet) process.stdout.write(`faults: ${figure}\n`);
}

/** Runs `action` without its figures: those of a mutant are not the program's. */
export async function quietly<T>(action: () => Promise<T>): Promise<T> {
  isQuiet = true;
  try {
    return await action();
  } finally {
    isQuiet = false;
  }
}

/** `count` numbers spread evenly over `from` … `to`, both included. */
export function spread(count: number, from: number, to: number): number[] {
  return Array.from({ length: count }, (_, index) => from + ((to - from) * index) / Math.max(count - 1, 1));
}

/** `count` of the elements, spread evenly; all of them when there are no more. */
export function pick<T>(elements: readonly T[], count: number): T[] {
  if (elements.length <= count) return [...elements];
  const indexes = spread(count, 0, elements.length - 1).map(Math.round);
  return indexes.map((index) => elements[index]).filter((element) => element !== undefined);
}
