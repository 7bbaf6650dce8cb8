/** CHANGELOG.md → Debian's changelog. */
import { programName } from '../project.ts';
import { maintainer } from './control.ts';

interface ChangelogFacts {
  /** The version that is packaged: an entry is made up when the newest one is another. */
  version: string;
  /** The day of an entry that is not released yet. */
  date: Date;
}

interface Entry {
  version: string;
  date: Date;
  /** Lines below `## [version]`. */
  lines: string[];
}

export function formatChangelog(markdown: string, { version, date }: ChangelogFacts): string {
  const entries = parseEntries(markdown, date);
  if (entries[0]?.version !== version) entries.unshift({ version, date, lines: ['- See the git history.'] });
  return entries.map(formatEntry).join('\n');
}

function parseEntries(markdown: string, today: Date): Entry[] {
  const entries: Entry[] = [];
  for (const line of markdown.split('\n')) {
    const [, version, when = ''] = /^## \[?(\d[^\]\s]*)\]?(?: - (.*))?$/.exec(line) ?? [];
    if (version !== undefined) {
      const day = Date.parse(when);
      entries.push({ version, date: Number.isNaN(day) ? today : new Date(day), lines: [] });
    } else entries.at(-1)?.lines.push(line);
  }
  return entries;
}

function formatEntry({ version, date, lines }: Entry): string {
  const body = joinParagraphs(lines).map((paragraph) => {
    const text = paragraph.replaceAll(
      /[`*]|\[([^\]]*)\]\([^)]*\)/g,
      (_, label: string | undefined) => label ?? '',
    );
    const [, title] = /^### (.*)$/.exec(text) ?? [];
    if (title !== undefined) return `\n  [ ${title} ]\n`;
    return fold(`  * ${text.replace(/^- /, '')}`).join('\n');
  });
  const told = body.join('\n').trim();
  return `${programName} (${version}) unstable; urgency=medium\n\n  ${told}\n\n -- ${maintainer}  ${formatDate(date)}\n`;
}

/** Titles, points and paragraphs, each in one line. */
function joinParagraphs(lines: string[]): string[] {
  const paragraphs: string[] = [];
  let isOpen = false;
  for (const line of lines) {
    const isNew = !isOpen || /^(- |#)/.test(line);
    if (line.trim() !== '') paragraphs.push(isNew ? line : `${paragraphs.pop()} ${line.trim()}`);
    isOpen = line.trim() !== '' && !line.startsWith('#');
  }
  return paragraphs;
}

/** Lines of at most 80 characters, those behind the first one below its text. */
function fold(line: string): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > 80) {
    const at = rest.lastIndexOf(' ', 80);
    if (at <= 4) break;
    lines.push(rest.slice(0, at));
    rest = `    ${rest.slice(at + 1)}`;
  }
  return [...lines, rest];
}

/** As RFC 5322 has it, in UTC: `Tue, 24 Nov 2026 06:42:38 +0000`. */
function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
