/** One line of the terminal that is drawn over again and again, and taken away in the end. */

/** Milliseconds between two drawings. */
const interval = 100;

/** @param patience milliseconds before it is drawn first: what is done by then needs no line */
export function createStatusLine(patience: number) {
  let begin = Date.now();
  let drawn = 0;
  return {
    restart() {
      begin = Date.now();
    },
    /** @param compose a text of at most so many columns, from the seconds since the beginning */
    draw(compose: (seconds: number, columns: number) => string) {
      const now = Date.now();
      if (now - begin < patience || now - drawn < interval) return;
      drawn = now;
      // What is written into the last column would begin a next line.
      const columns = (process.stderr.columns || 80) - 1;
      process.stderr.write(`\r${compose((now - begin) / 1000, columns)}\x1b[K`);
    },
    clear() {
      if (drawn > 0) process.stderr.write('\r\x1b[2K');
      drawn = 0;
    },
  };
}
