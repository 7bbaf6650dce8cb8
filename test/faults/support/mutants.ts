/** Mutants: copies of the program with one promise broken each. The suite has to notice every one of them. */

export interface Edit {
  /** Relative to `hook/`. */
  file: string;
  /** Stands exactly once in the file. */
  search: string;
  replace: string;
}

/** Names of the checks that mutants are run through; `faults-mutant-checks.ts` has them. */
export type CheckName =
  | 'power loss right after exit 0'
  | 'killed while the archive is written'
  | 'killed while the ledger is written'
  | 'sshd stopped before'
  | 'sshd stopped at half of the archive'
  | 'several runs at once over rsync'
  | 'a file is added while the others are read'
  | 'a link out of the recording'
  | 'three umasks'
  | 'a hostile sub directory'
  | 'another file system over the spool'
  | 'the spool is not mounted'
  | 'two servers in one spool'
  | 'run as root'
  | 'one of two formats delivered'
  | 'published again'
  | 'the disk fills up'
  | 'an early sync fails';

export interface Mutant {
  name: string;
  edits: Edit[];
  killedBy: CheckName;
  /** What the check has to find: a mutant that fails otherwise shows nothing. */
  finding: RegExp;
}
