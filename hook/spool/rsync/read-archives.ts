/**
 * Which archives lie in a spool on another host, found by a dry run of sending files of their names.
 *
 * A file that is not there is listed as new; whatever is not listed as new is there, since `rrsync -no-overwrite`
 * passes over those silently. So an archive counts as gone only when the other side says so. What it says about
 * directories that are missing or closed was measured with rsync 3.1 to 3.5 and both rrsyncs, Perl's and Python's.
 */
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { EXIT, ExpectedError } from '../../errors.ts';
import { withErrnoTranslated } from '../../system/errno.ts';
import { temporaryPath } from '../../system/work-dir.ts';
import { type ArchivesSeen, archiveFolders, type EarlierRefusals, type SpoolWatcher } from '../spool.ts';
import { askArguments } from './arguments.ts';
import { patiently } from './patience.ts';
import { type RsyncLink, runRsync, transferOf } from './run-rsync.ts';
import { remoteDirectory } from './transfer.ts';

/** rsync's status when it could not examine a file: `failed/` may not be entered. */
const partialAnswer = 23;

export async function readArchivesOverRsync(
  link: RsyncLink,
  subDir: string,
  names: readonly string[],
  watcher: SpoolWatcher,
  earlier: EarlierRefusals = new Map(),
): Promise<ArchivesSeen> {
  const transfer = transferOf(link.settings, '', subDir);
  const directory = temporaryPath(link.settings.workDir);
  const ask = (...further: string[]) =>
    patiently(link.settings, watcher, () =>
      runRsync({ link, transfer, watcher }, (to) => askArguments(to, directory, further), [0, partialAnswer]),
    );
  try {
    withErrnoTranslated(`cannot write ${directory}`, () => layOut(directory, names, earlier));
    const seen = parseArchivesSeen(names, await ask());
    if (seen === 'directory_missing') throw directoryMissing(remoteDirectory(transfer));
    if (seen === 'unknown') throw unknown(remoteDirectory(transfer));
    if (seen.failedDirectory !== 'missing') {
      if (![...seen.refused].some((name) => earlier.has(name))) return seen;
      return { ...seen, refused: withoutEarlier(seen.refused, await ask('--update')) };
    }
    // None of them is in question.
    if (names.length > 0 && names.every((name) => seen.waiting.has(name))) return seen;
    // What is no directory, or a link to one, would be replaced by one: it is listed as new, too, but not here.
    const { stdout } = await ask('--existing');
    const isInTheWay = parseListing(stdout).has('failed/');
    return { ...seen, failedDirectory: isInTheWay ? 'not_a_directory' : 'missing' };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** With `--update`, rsync passes over what is newer there than here. */
function withoutEarlier(refused: ReadonlySet<string>, { stdout }: { stdout: string }): Set<string> {
  const listed = parseListing(stdout);
  const isEarlier = (path: string) => listed.has(path) && !isNew(listed.get(path));
  return new Set(
    [...refused].filter((name) => !isEarlier(`failed/${name}`) && !isEarlier(`failed/public/${name}`)),
  );
}

/** Empty files of these names; directories so old that any other's time differs, which lists those that are there. */
function layOut(directory: string, names: readonly string[], earlier: EarlierRefusals): void {
  mkdirSync(directory, { mode: 0o700 });
  for (const folder of archiveFolders) {
    mkdirSync(`${directory}/${folder}`, { recursive: true });
    for (const name of names) {
      const file = `${directory}/${folder}${name}`;
      writeFileSync(file, '');
      const seconds = (earlier.get(name) ?? 0) / 1000;
      utimesSync(file, seconds, seconds);
    }
  }
  for (const folder of archiveFolders.toReversed()) utimesSync(`${directory}/${folder}`, 1, 1);
}

/** What the output of the dry run says. */
export function parseArchivesSeen(
  names: readonly string[],
  { stdout, exitCode }: { stdout: string; exitCode: number },
): ArchivesSeen | 'directory_missing' | 'unknown' {
  const listed = parseListing(stdout);
  const isThere = (folder: string) => listed.get(folder)?.startsWith('.d') ?? false;
  if (isNew(listed.get('./'))) return 'directory_missing';
  if (!isThere('./')) return 'unknown';
  const isWhole = exitCode === 0;
  // Below a directory that may not be entered nobody knows anything of what is not listed.
  const isUnknown = (path: string) => !isWhole && !listed.has(path);
  const isPresent = (path: string) => !isNew(listed.get(path)) && !isUnknown(path);
  const isRefused = (name: string) => isPresent(`failed/${name}`) || isPresent(`failed/public/${name}`);
  const isHidden = names.some((name) => isUnknown(`failed/${name}`));
  return {
    waiting: new Set(names.filter((name) => !isNew(listed.get(name)) || isPresent(`public/${name}`))),
    refused: new Set(names.filter(isRefused)),
    failedDirectory: isHidden ? 'hidden' : isThere('failed/') ? 'visible' : 'missing',
  };
}

/** Path → what `--itemize-changes` says of it, without what else rsync prints. */
function parseListing(stdout: string): Map<string, string> {
  const found = stdout.matchAll(/^([<.c][fd]\S{9}) (.+?)\r?$/gm);
  return new Map([...found].map(([, change = '', path = '']) => [path, change]));
}

function isNew(change: string | undefined): boolean {
  return change?.endsWith('+++++++++') ?? false;
}

function directoryMissing(destination: string): ExpectedError {
  return new ExpectedError(`the directory ${destination} does not exist`, {
    code: 'spool_dir_missing',
    exitStatus: EXIT.spool,
    scope: 'destination',
    fix: 'create it there, or correct spool_dir or RECORDING_SPOOL_SUB_DIRECTORY; it is never created from here',
  });
}

function unknown(destination: string): ExpectedError {
  return new ExpectedError(`rsync does not say which archives lie in ${destination}`, {
    code: 'archives_unknown',
    exitStatus: EXIT.temporary,
    scope: 'destination',
    fix: "run 'pilos-post-publish check'",
  });
}
