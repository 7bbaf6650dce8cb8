/**
 * A stack trace of the executable, as a log has it → the lines of the source that it was built from. To be run on the
 * commit that `pilos-post-publish --version` names:
 *
 *     node build/stack.ts < LOG
 */
import { readFileSync } from 'node:fs';
import { readSourceMap } from './bundle.ts';
import { wrapProgram } from './code-cache.ts';
import { programName } from './project.ts';

const position = new RegExp(`[^\\s(]*${programName}:(\\d+):(\\d+)`, 'g');
/** What stands before the bundle in its first line. */
const shift = wrapProgram('').indexOf('{') + 1;

const map = await readSourceMap();
const text = readFileSync(0, 'utf8').replace(position, (place, line, column) => {
  const origin = map.findOrigin(Number(line), Number(column) - (line === '1' ? shift : 0));
  return 'fileName' in origin ? `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}` : place;
});
process.stdout.write(text);
