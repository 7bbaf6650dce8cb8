/** A YAML file that must be a mapping, read as BBB's Ruby reads it. */
import { readFileSync } from 'node:fs';
import { load, mergeTag, YAML11_SCHEMA, YAMLException } from 'js-yaml';
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName, translateErrno } from '../system/errno.ts';

// Ruby's Psych reads YAML 1.1 (`yes` is true) and knows merge keys; an existing file must mean the same here.
const schema = YAML11_SCHEMA.withTags(mergeTag);

/** Reads a YAML file that must be a mapping; throws an ExpectedError (78, 77) otherwise. */
export function readMapping(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) throw configError(`${file} is not a text file in UTF-8`);
    if (errnoName(error) === 'ENOENT') {
      throw configError(`${file} does not exist`, error);
    }
    throw translateErrno(error, `cannot read ${file}`);
  }
  return parseMapping(text, file);
}

/** Parses one YAML document that must be a mapping; throws an ExpectedError (78) otherwise. */
export function parseMapping(text: string, file: string): Record<string, unknown> {
  if (text.replace(/#.*$/gm, '').trim() === '') throw configError(`${file} is empty`);
  let value: unknown;
  try {
    value = load(text, { schema });
  } catch (error) {
    const mark = error instanceof YAMLException ? error.mark : undefined;
    const line = mark === undefined ? '' : ` in line ${mark.line + 1}`;
    throw configError(
      `${file} is not valid YAML${line}: ${error instanceof YAMLException ? error.reason : String(error)}`,
      error,
    );
  }
  if (!isMapping(value)) throw configError(`${file} must be a mapping of keys to values`);
  return value;
}

export function configError(message: string, cause?: unknown): ExpectedError {
  return new ExpectedError(message, { exitStatus: EXIT.config, fix: 'correct the file', cause });
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
