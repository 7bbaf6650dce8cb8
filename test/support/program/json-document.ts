/** What `--json` prints, held by the schemas in docs/schema: every such document of every test. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js';
import type { ProgramResult } from './run-program.ts';

const directory = join(import.meta.dirname, '../../../docs/schema');

const ajv = new Ajv2020({ strict: true, strictRequired: false, discriminator: true, allErrors: true });
export const schemaFiles = readdirSync(directory).sort();
for (const file of schemaFiles) ajv.addSchema(JSON.parse(readFileSync(join(directory, file), 'utf8')));

/** The commands that print a document, by the file of their schema; the program without a command is `publish`. */
export const schemaOf: Record<string, string> = {
  deliver: 'deliver.json',
  status: 'status.json',
  check: 'check.json',
  prune: 'prune.json',
  migrate: 'migrate.json',
  install: 'install.json',
  uninstall: 'install.json',
};

/**
 * Validates what a call of the program has printed; a call without `--json`, of another program, or that a signal
 * has ended, prints no document.
 *
 * @param words the call, whatever stands before the program's name
 * @throws Error that says what the schema does not allow
 */
export function validateJsonDocument(words: readonly string[], { status, stdout }: ProgramResult): void {
  const at = words.findLastIndex((word) => /^pilos[-_]post[-_]publish(?:\.rb)?$/.test(basename(word)));
  if (at === -1 || !words.includes('--json') || status === null) return;
  const name = words.slice(at).find((word) => Object.hasOwn(schemaOf, word));
  const document = parseDocument(stdout);
  const problems = findProblems(name === undefined ? 'publish.json' : (schemaOf[name] ?? ''), document);
  const { exit_status: stated } = document as { exit_status?: number };
  if (stated !== undefined && stated !== status)
    problems.push(`exit_status ${stated}, but it ended with ${status}`);
  if (problems.length === 0) return;
  throw new Error(
    `'${words.slice(at + 1).join(' ')}' does not fit its schema:\n${problems.join('\n')}\n${stdout}`,
  );
}

function parseDocument(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(`--json has not printed one document, but '${stdout}'`, { cause: error });
  }
}

/** What a schema of docs/schema does not allow in a document; empty when it fits. */
export function findProblems(file: string, document: unknown): string[] {
  const validate = ajv.getSchema<AnySchemaObject>(file);
  if (validate === undefined) throw new Error(`docs/schema has no ${file}`);
  if (validate(document)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`,
  );
}
