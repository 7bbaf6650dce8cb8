/** Where the recordings lie: this server's `published_dir`, or trees copied from elsewhere. */
import { readdirSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type BbbDirectories, type PublishedFormat, readAllPublished } from '../bbb/bbb.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { withErrnoTranslated } from '../system/errno.ts';
import { quote } from '../terminal/escape.ts';

/** One format of one recording, and every directory that claims to be it. */
export interface FoundRecording {
  published: PublishedFormat;
  others: PublishedFormat[];
}

/**
 * Everything in `directories`, each laid out as `DIR/<format>/<record id>/`.
 *
 * @throws ExpectedError for one that cannot be read, or that has no such layout
 */
export function readSources(bbb: BbbDirectories, directories: readonly string[]): FoundRecording[] {
  if (directories.length === 0) return [...collect([readAllPublished(bbb)]).values()];
  const { recordingDir } = bbb;
  const trees = directories.map((directory) => {
    checkLayout(directory);
    const tree = readAllPublished({ publishedDir: directory, recordingDir });
    // A server on which nobody has ever hidden a recording has an `unpublished/` without any.
    if (tree.size === 0 && basename(directory) !== 'unpublished') throw noRecordings(directory);
    return tree;
  });
  return [...collect(trees).values()];
}

function collect(trees: readonly Map<string, PublishedFormat[]>[]): Map<string, FoundRecording> {
  const found = new Map<string, FoundRecording>();
  for (const published of trees.flatMap((tree) => [...tree.values()].flat())) {
    const key = `${published.format}/${published.recordId}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { published, others: [] });
    else known.others.push(published);
  }
  return found;
}

/** The parent or a child of the right directory has directories in it, too, and would be read to no good. */
function checkLayout(directory: string): void {
  const stats = withErrnoTranslated(`cannot read --from ${quote(directory)}`, () =>
    statSync(directory, { throwIfNoEntry: false }),
  );
  if (stats?.isDirectory() !== true) {
    throw new ExpectedError(
      `--from ${quote(directory)} ${stats === undefined ? 'does not exist' : 'is not a directory'}`,
      { code: 'tree_missing', exitStatus: EXIT.noRecording, fix: 'mount it, or correct the path' },
    );
  }
  const names = withErrnoTranslated(`cannot read --from ${quote(directory)}`, () => readdirSync(directory));
  const inner = names.filter((name) => ['published', 'unpublished'].includes(name));
  if (inner.length > 0) {
    throw new ExpectedError(`--from ${quote(directory)} has the directory ${quote(inner[0] ?? '')} in it`, {
      code: 'tree_is_above',
      exitStatus: EXIT.usage,
      fix: `name that one: ${inner.map((name) => `--from ${quote(`${directory}/${name}`)}`).join(' ')}`,
    });
  }
}

function noRecordings(directory: string): ExpectedError {
  return new ExpectedError(`--from ${quote(directory)} has no recordings in it`, {
    code: 'tree_without_recordings',
    exitStatus: EXIT.noRecording,
    fix: 'name the directory with the formats: DIR in DIR/presentation/MEETING_ID/metadata.xml',
  });
}
