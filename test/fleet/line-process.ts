/** A program on a host that answers with lines of JSON, and ends when its standard input is closed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Host } from './host.ts';

export interface LineProcess {
  write(line: string): void;
  /** Closes its standard input, and waits for its end; throws when it complained or did not end with 0. */
  end(): Promise<void>;
}

/** `onLine` is given each line's value; `onEnd` an error when the program is gone before {@link LineProcess.end}. */
export function startLineProcess(
  host: Host,
  command: readonly string[],
  user: string,
  { onLine, onEnd = () => {} }: { onLine: (value: unknown) => void; onEnd?: (error: Error) => void },
): LineProcess {
  const [program, ...args] = host.enter(command, user);
  // In a session of its own: Ctrl-C is for us, and we end it.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => onLine(JSON.parse(line)));
  const closed = once(child, 'close').then(([status, signal]) => {
    const how = `${host.name}: ${command.join(' ')} ended with ${signal ?? status}: ${errors.trim()}`;
    const isRight = status === 0 && errors === '';
    onEnd(new Error(how));
    return isRight ? undefined : new Error(how);
  });
  return {
    write: (line) => child.stdin.write(`${line}\n`),
    end: async () => {
      child.stdin.end();
      const error = await closed;
      if (error !== undefined) throw error;
    },
  };
}
