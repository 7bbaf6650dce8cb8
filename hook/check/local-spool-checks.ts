import { definer } from './define.ts';
import type { Facts, SpoolFacts } from './facts.ts';
import type { FoundSpool } from './local-spool.ts';
import { decideGroup, decideUserGroup, decideWorkerGroup, describeGroup } from './spool-group.ts';
import { decideAnswers, decideDirectory, decideMount } from './spool-mount.ts';
import {
  decideMode,
  decideSpace,
  decideSubDirectory,
  decideWrite,
  describeSpace,
  describeWritten,
  toOctal,
} from './spool-writes.ts';

const { one, each } = definer<Facts & SpoolFacts>('Spool');

/** A directory that is there; what is not, or hangs, is said by the first two checks. */
const found = ({ localSpool }: SpoolFacts) =>
  localSpool?.found?.isDirectory ? { ...localSpool, found: localSpool.found } : undefined;

const usable = ['spool_answers', 'spool_mount', 'spool_group', 'spool_mode', 'spool_space', 'user_group'];

export const localSpoolChecks = [
  one({
    check: 'spool_answers',
    of: ({ localSpool }) => localSpool,
    title: ({ directory }) => `${directory} answers`,
    decide: decideAnswers,
  }),
  one({
    check: 'spool_directory',
    of: ({ localSpool }) => localSpool,
    title: ({ directory }) => `spool directory: ${directory}`,
    after: ['spool_answers'],
    decide: decideDirectory,
  }),
  one({
    check: 'spool_mount',
    of: found,
    title: ({ mount: { point, type, source } }) => `file system: ${point} (${type} from ${source})`,
    after: ['spool_answers'],
    decide: decideMount,
  }),
  one({
    check: 'spool_group',
    of: found,
    title: (spool) => `group of ${spool.found.path}: ${describeGroup(spool)}`,
    after: ['spool_answers', 'spool_mount'],
    decide: decideGroup,
  }),
  one({
    check: 'spool_mode',
    of: found,
    title: ({ found: { path, mode } }) => `mode of ${path}: ${toOctal(mode)}`,
    after: ['spool_answers', 'spool_mount', 'spool_group'],
    decide: ({ found: directory }) => decideMode(directory),
  }),
  one({
    check: 'spool_space',
    of: found,
    title: describeSpace,
    after: ['spool_answers', 'spool_mount'],
    decide: decideSpace,
  }),
  one({
    check: 'user_group',
    of: (facts) => (facts.accounts.account === undefined ? undefined : found(facts)),
    title: (spool, { accounts }) => `${accounts.user} is in group ${describeGroup(spool)}, or need not be`,
    after: ['spool_answers', 'spool_mount', 'spool_group'],
    decide: decideUserGroup,
  }),
  one({
    check: 'worker_group',
    of: (facts) => (facts.accounts.account === undefined ? undefined : found(facts)),
    title: (spool) => `BBB's worker is in group ${describeGroup(spool)}, or need not be`,
    after: ['spool_answers', 'spool_mount', 'spool_group', 'user_group'],
    decide: decideWorkerGroup,
  }),
  one({
    check: 'spool_write',
    of: found,
    title: (spool, { accounts }) => `a file of ${accounts.ranAs} in ${describeWritten(spool)}`,
    after: usable,
    decide: decideWrite,
  }),
  each({
    check: 'sub_directory',
    of: (facts) => {
      const spool = found(facts);
      return (spool?.subDirs ?? []).map((subDir) => ({ spool: spool as FoundSpool, subDir }));
    },
    title: ({ spool, subDir }) => `sub directory that PILOS asks for: ${spool.found.path}/${subDir}`,
    after: [...usable, 'spool_write'],
    decide: ({ spool, subDir }, facts) => decideSubDirectory(spool, subDir, facts),
  }),
];
