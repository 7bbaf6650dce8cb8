/** What rrsync, or the options of a daemon, refuse. */
import { EXIT } from '../../errors.ts';
import { quote } from '../../terminal/escape.ts';
import type { Rule } from './failure-rule.ts';

export const refusals: readonly Rule[] = [
  {
    pattern: /^(?:\S*rrsync error: )?Another instance of rrsync is already accessing/m,
    exitStatus: EXIT.temporary,
    retryable: true,
    code: 'transfer_under_way',
    scope: 'recording',
    what: ({ host }) => `${host} accepts one transfer at a time, and another one is under way`,
    fix: () => "put 'rrsync -wo -no-lock DIR' into authorized_keys there",
  },
  {
    pattern:
      /option --?(delete\S*|max-delete\S*|backup|b|suffix\S*) has been disabled|configured to refuse --(delete|backup|suffix)/,
    exitStatus: EXIT.config,
    code: 'renaming_refused',
    what: ({ host }) => `rsync on ${host} refuses to delete, and so to rename`,
    fix: () =>
      "remove '-no-del' from authorized_keys there, or '-no-overwrite', or delete and backup from 'refuse options' in rsyncd.conf",
  },
  {
    pattern: /rrsync error: invalid rsync-command syntax or options/,
    code: 'option_refused',
    exitStatus: EXIT.config,
    what: ({ host }) => `rsync on ${host} refuses an option`,
    fix: () => 'correct extra_rsync_opts in pilos.yml, or update rsync on both servers',
  },
  {
    pattern: /rrsync error: option (\S+) has been disabled|The server is configured to refuse (\S+)/,
    code: 'option_refused',
    exitStatus: EXIT.config,
    what: ({ host }, match) => `rsync on ${host} refuses the option ${quote(match[1] ?? match[2] ?? '')}`,
    fix: () => 'remove it from extra_rsync_opts in pilos.yml',
  },
  {
    pattern: /sending to read-only server is not allowed|module is read only/,
    code: 'spool_read_only',
    exitStatus: EXIT.permission,
    what: ({ host }) => `rsync on ${host} is read-only`,
    fix: () => "use 'rrsync -wo -no-lock DIR' in authorized_keys there, or 'read only = no' in rsyncd.conf",
  },
  {
    // Perl's rrsync (before rsync 3.2.4) takes an option that it does not know for the directory.
    pattern:
      /rrsync(?: error)?: Restricted directory does not exist|^FileNotFoundError: .*: '\/(?!.*\/bin\/rsync')/m,
    scope: 'destination',
    code: 'restricted_dir_missing',
    exitStatus: EXIT.spool,
    what: ({ host }) =>
      `rrsync on ${host} does not find its directory: it does not exist, or this rrsync is too old for -no-lock`,
    fix: () =>
      "look at the key's line in authorized_keys there: create the directory that it names; if it has -no-lock and 'file' says that rrsync is a Perl script, remove -no-lock, which that one does not need",
  },
];
