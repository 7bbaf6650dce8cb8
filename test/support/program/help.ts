/** What `--help` of the program and of each command says. */
import { join } from 'node:path';
import { runOrThrow } from './run-program.ts';

const main = join(import.meta.dirname, '../../../hook/main.ts');

export interface Help {
  /** Empty for the program itself. */
  command: string;
  options: string[];
  text: string;
}

async function readHelp(...words: string[]): Promise<Help> {
  const { stdout } = await runOrThrow(process.execPath, [main, ...words, '--help']);
  const lines = [...stdout.matchAll(/^ {2}(-[^ ,]+)(?:, (--\S+))?/gm)];
  const options = lines.flatMap(([, first, second]) => [first, second]).filter((name) => name !== undefined);
  return { command: words[0] ?? '', options, text: stdout };
}

/** The program's own first, then that of each command that it lists. */
export async function readHelps(): Promise<Help[]> {
  const program = await readHelp();
  const [, list = ''] = /^Commands:\n(.*?)\n\n/ms.exec(program.text) ?? [];
  const commands = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name = '']) => name);
  const named = commands.filter((command) => command !== 'help');
  return [program, ...(await Promise.all(named.map((command) => readHelp(command))))];
}
