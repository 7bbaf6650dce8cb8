/**
 * What the program says: each line goes to the log file, in the format of Ruby's Logger as its neighbours there
 * have it, and to the terminal (stdout: what happened, stderr: what went wrong).
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { describeError, errorDocument, escapeText } from './escape.ts';
import { isTerminal, printError, printOut } from './lines.ts';

export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** An error with its fix: on a line of its own on a terminal; a bug with its stack. */
  failure(error: unknown, about?: string): void;
  /** Only with `--verbose`, and never to the log file. */
  debug(message: string): void;
  /** From now on, lines go to this file too; undefined: to none. */
  setFile(file: string | undefined): void;
}

export interface LogOptions {
  quiet: boolean;
  verbose: boolean;
  /** stdout belongs to one JSON document, so lines about success are not printed. */
  json: boolean;
}

type Severity = 'INFO' | 'WARN' | 'ERROR';

export function createLog(options: LogOptions): Log {
  let logFile: string | undefined;
  const toFile = (severity: Severity, message: string) => {
    if (logFile === undefined) return;
    const problem = appendLine(logFile, formatLogLine(severity, message, new Date(), process.pid));
    if (problem === undefined) return;
    printError(
      `pilos-post-publish: cannot write the log file ${logFile} (${problem}): check log_file and its owner\n`,
    );
    logFile = undefined;
  };
  return {
    info(message) {
      toFile('INFO', message);
      if (!options.quiet && !options.json) printOut(`${escapeText(message)}\n`);
    },
    warn(message) {
      toFile('WARN', message);
      printError(`pilos-post-publish: ${escapeText(message)}\n`);
    },
    error(message) {
      toFile('ERROR', message);
      printError(`pilos-post-publish: ${escapeText(message)}\n`);
    },
    failure(error, about) {
      const prefix = about === undefined ? '' : `${about}: `;
      if (!(error instanceof ExpectedError) && error instanceof Error) {
        for (const line of (error.stack ?? '').split('\n')) this.error(line);
      }
      toFile('ERROR', prefix + describeError(error));
      const { message, problems = [message], fix } = errorDocument(error);
      const isPerson = isTerminal(2);
      const lines = isPerson
        ? [...problems.map((problem) => `error: ${prefix}${problem}`), `  fix: ${fix}`]
        : joinShort(
            problems.map((problem) => prefix + problem),
            fix,
          );
      for (const [index, line] of lines.entries())
        printError(isPerson && index > 0 ? `${line}\n` : `pilos-post-publish: ${line}\n`);
    },
    debug(message) {
      if (options.verbose) printError(`${escapeText(message)}\n`);
    },
    setFile(file) {
      logFile = file;
    },
  };
}

/** One problem and its fix are one line; several have a line each. */
function joinShort(problems: readonly string[], fix: string): string[] {
  return problems.length === 1 ? [`${problems[0]}: ${fix}`] : [...problems, fix];
}

/**
 * A line as Ruby's `Logger::Formatter` writes it:
 * `I, [2024-04-10T12:34:56.123456 #1234]  INFO -- : message`, local time.
 */
export function formatLogLine(severity: Severity, message: string, time: Date, pid: number): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  const stamp = `${local.toISOString().slice(0, -1)}000`;
  return `${severity[0]}, [${stamp} #${pid}] ${severity.padStart(5)} -- : ${escapeText(message)}\n`;
}

/** Appends in one write, so that lines of several runs never mix; returns why it failed. */
function appendLine(file: string, line: string): string | undefined {
  try {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
    const descriptor = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o644);
    try {
      writeSync(descriptor, line);
    } finally {
      closeSync(descriptor);
    }
    return undefined;
  } catch (error) {
    return errnoName(error) ?? String(error);
  }
}
