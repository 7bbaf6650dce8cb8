/** A YAML file that must be a mapping, read as BBB's Ruby reads it. */
import { readFileSync } from 'node:fs';
import { load, YAMLException } from 'js-yaml';
import { errnoName, translateErrno } from '../system/errno.ts';
import { escapeText, quote } from '../terminal/escape.ts';
import { ConfigError } from './config-error.ts';
import { createPsychSchema } from './psych-schema.ts';

/**
 * Reads a YAML file that must be a mapping.
 *
 * @param warn is given each key that stands twice
 * @throws ConfigError (78), or ExpectedError (77, 74) when the file cannot be read
 */
export function readMapping(file: string, warn: (warning: string) => void = ignore): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) throw notYaml(file, 'is not a text file in UTF-8', error);
    if (errnoName(error) !== 'ENOENT') throw translateErrno(error, `cannot read ${file}`);
    throw new ConfigError([{ kind: 'missing_file', file, message: `${file} does not exist` }], error);
  }
  return parseMapping(text, file, warn);
}

/** Parses the first YAML document of a text, which must be a mapping; throws a ConfigError otherwise. */
export function parseMapping(
  text: string,
  file: string,
  warn: (warning: string) => void = ignore,
): Record<string, unknown> {
  const document = firstDocument(text);
  if (text.replace(/#.*$/gm, '').trim() === '') throw notYaml(file, 'is empty');
  const schema = createPsychSchema((key) =>
    warn(`${file}: the key ${quote(key)} stands twice: the last one counts`),
  );
  let value: unknown;
  try {
    // `json`: a key may stand twice. The schema itself says which one counts.
    value = load(document, { schema, json: true });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark === undefined ? '' : ` in line ${error.mark.line + 1}`;
    throw notYaml(file, `is not valid YAML${line}: ${escapeText(error.reason)}`, error);
  }
  if (!isMapping(value)) throw notYaml(file, 'must be a mapping of keys to values');
  return value;
}

/** Psych stops at the end of the first document: what follows may even be broken. */
function firstDocument(text: string): string {
  const start = /^(?:[ \t]*(?:#.*)?\r?\n|%.*\r?\n)*---(?=\s|$)/.exec(text)?.[0].length ?? 0;
  const end = /^(?:---|\.\.\.)(?=\s|$)/m.exec(text.slice(start));
  return end === null ? text : text.slice(0, start + end.index);
}

function notYaml(file: string, reason: string, cause?: unknown): ConfigError {
  return new ConfigError([{ kind: 'not_yaml', file, message: `${file} ${reason}` }], cause);
}

function ignore(): void {}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
