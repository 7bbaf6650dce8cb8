/** The key at an edit distance of at most 3 that is nearest to what was written. */
export function nearestKey(written: string, keys: string[]): string | undefined {
  const ranked = keys.map((key) => ({ key, distance: editDistance(written, key) }));
  ranked.sort((one, other) => one.distance - other.distance);
  return ranked[0] !== undefined && ranked[0].distance <= 3 ? ranked[0].key : undefined;
}

/** Levenshtein's edit distance. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, character] of [...one.slice(0, 100)].entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j += 1) {
      const replaced = (row[j] ?? 0) + (character === other[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
