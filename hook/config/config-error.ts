/** What is wrong with a configuration file, as fields and as sentences: all of it at once. */
import { EXIT, ExpectedError } from '../errors.ts';

/** `meant`: the known key that the unknown one resembles. */
export type ConfigProblem =
  | { kind: 'missing_file' | 'unreadable_file' | 'not_yaml'; file: string; message: string }
  | { kind: 'missing_key' | 'invalid_value'; file: string; key: string; message: string }
  | { kind: 'unknown_key'; file: string; key: string; meant: string | undefined; message: string };

/** An invalid configuration: exit status 78, code `config_invalid`, or `config_missing` when only files are missing. */
export class ConfigError extends ExpectedError {
  readonly configProblems: readonly ConfigProblem[];

  constructor(configProblems: readonly ConfigProblem[], cause?: unknown) {
    const isMissing = configProblems.every(({ kind }) => kind === 'missing_file');
    super(configProblems.map(({ message }) => message).join('; '), {
      code: isMissing ? 'config_missing' : 'config_invalid',
      exitStatus: EXIT.config,
      fix: isMissing
        ? "'pilos-post-publish check' names the command that creates it"
        : "correct it and run 'pilos-post-publish check'",
      problems: configProblems.map(({ message }) => message),
      cause,
    });
    this.name = 'ConfigError';
    this.configProblems = configProblems;
  }
}
