/** What the demo prints: headings, lines, and checks that it counts. */
const hasColours = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number) => (text: string) => (hasColours ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = paint(1);
const dim = paint(2);
export const [red, green] = [paint(31), paint(32)];

let failures = 0;

export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function heading(title: string, explanation: string): void {
  say(`\n${bold(title)}\n${dim(`  ${explanation}`)}`);
}

/** A line that says whether something is as it should be. */
export function check(isRight: boolean, line: string): void {
  if (!isRight) failures += 1;
  say(`  ${isRight ? green('✓') : red('✗')} ${line}`);
}

/** How many checks have failed so far. */
export function failedChecks(): number {
  return failures;
}

const longestLine = 160;

/** A line of a program, with what is too long for a terminal cut off. */
export function quoteLine(line: string): void {
  say(dim(line.length <= longestLine ? line : `${line.slice(0, longestLine - 1)}…`));
}
