/** The schemas in docs/schema: they compile, each command has one, and they refuse what they do not describe. */
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../hook/cli/program.ts';
import { EXIT, ExpectedError } from '../../../hook/errors.ts';
import { errorDocument } from '../../../hook/terminal/escape.ts';
import { codeOf, findPage, readProjectFile, readTable } from '../../support/docs/pages.ts';
import {
  findProblems,
  schemaFiles,
  schemaOf,
  validateJsonDocument,
} from '../../support/program/json-document.ts';

interface StatusSchema {
  $defs: { format: { properties: { state: { enum: string[] } } } };
}

const error = new ExpectedError('the disk is full', {
  code: 'disk_full',
  fix: 'make room',
  exitStatus: EXIT.spool,
});
const failure = { error: errorDocument(error), exit_status: EXIT.spool };
const ended = { signal: null, stderr: '' };

it('has a schema for each command', () => {
  const names = createProgram(async () => undefined).commands.map((command) => command.name());
  expect(Object.keys(schemaOf).sort()).toEqual(names.sort());
});

describe.each([...new Set(['publish.json', ...Object.values(schemaOf)])])('%s', (file) => {
  it('is in docs/schema', () => {
    expect(schemaFiles).toContain(file);
  });

  it('describes a failure of the command', () => {
    expect(findProblems(file, failure)).toEqual([]);
  });

  it.each([
    ['no document at all', {}],
    ['a failure with exit status 0', { ...failure, exit_status: 0 }],
    ['a failure without a fix', { ...failure, error: { ...failure.error, fix: undefined } }],
    ['a code with a blank', { ...failure, error: { ...failure.error, code: 'disk full' } }],
    ['a key that is not documented', { ...failure, colour: 'red' }],
  ])('refuses %s', (_, document) => {
    expect(findProblems(file, JSON.parse(JSON.stringify(document)))).not.toEqual([]);
  });
});

it('docs/commands.md explains only states of the schema', () => {
  const schema = JSON.parse(readProjectFile('docs/schema/status.json')) as StatusSchema;
  const states = schema.$defs.format.properties.state.enum;
  const rows = readTable(findPage('docs/commands.md'), 'state');
  const explained = rows.map(([state]) => (codeOf(state) ?? '').toLowerCase().replaceAll(' ', '_'));
  expect(explained).toEqual(expect.arrayContaining(['imported', 'taken', 'refused', 'outdated', 'adopted']));
  expect(states).toEqual(expect.arrayContaining(explained));
});

describe('a call of the program', () => {
  const call = ['ruby', '/x/pilos_post_publish.rb', 'deliver', '--json'];
  const stdout = JSON.stringify(failure);

  it('is validated by the schema of its command', () => {
    expect(() => validateJsonDocument(call, { ...ended, status: 73, stdout })).not.toThrow();
    const empty = JSON.stringify({ results: [], exit_status: 0 });
    expect(() => validateJsonDocument(call, { ...ended, status: 0, stdout: empty })).toThrow(
      'being_published',
    );
  });

  it('must end with the exit status that its document names', () => {
    expect(() => validateJsonDocument(call, { ...ended, status: 75, stdout })).toThrow('exit_status 73');
  });

  it('must print one document', () => {
    for (const text of ['', `${stdout}${stdout}`, `delivered\n${stdout}`])
      expect(() => validateJsonDocument(call, { ...ended, status: 73, stdout: text })).toThrow(
        'one document',
      );
  });
});
