/** The documentation as Markdown pages: their code blocks, code spans, headings, links and tables. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const projectDirectory = resolve(import.meta.dirname, '../../..');

export interface Block {
  language: string;
  text: string;
  /** The example that it is a copy of, from a comment above it. */
  copyOf: string | undefined;
}

export interface Page {
  /** `docs/limits.md` */
  path: string;
  text: string;
  /** The text without its code blocks. */
  prose: string;
  blocks: Block[];
  /** What stands in backticks within the prose. */
  codeSpans: string[];
  /** Targets of links within the project. */
  links: string[];
  /** `#what-rsync-cannot-promise` */
  anchors: string[];
}

export function readProjectFile(path: string): string {
  return readFileSync(join(projectDirectory, path), 'utf8');
}

/** Every Markdown page of the project; README.md is the first. */
export const pages: readonly Page[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(projectDirectory, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
].map((path) => parsePage(path, readProjectFile(path)));

/** @throws Error when there is no such page */
export function findPage(path: string): Page {
  const page = pages.find((one) => one.path === path);
  if (page === undefined) throw new Error(`there is no ${path}`);
  return page;
}

function parsePage(path: string, text: string): Page {
  const prose = text.replace(/```.*?```/gs, '');
  const blocks = [
    ...text.matchAll(/(?:<!-- (?<copyOf>examples\/\S+) -->\n)?```(?<language>\w*)\n(?<text>.*?)\n```/gs),
  ].map(({ groups = {} }): Block => {
    const { language = '', text = '', copyOf } = groups;
    return { language, text, copyOf };
  });
  return {
    ...{ path, text, prose, blocks },
    codeSpans: [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll(/\s+/g, ' ')),
    links: [...prose.matchAll(/\]\((?!https:)([^)]+)\)/g)].map(([, target = '']) => target),
    anchors: [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title)),
  };
}

/** As GitHub makes it from a heading. */
function anchorOf(title: string): string {
  const kept = title.toLowerCase().replace(/[^\w\- ]/g, '');
  return `#${kept.replaceAll(' ', '-')}`;
}

/** The blocks of a language, of all pages. */
export function blocksOf(language: string): Block[] {
  return pages.flatMap(({ blocks }) => blocks.filter((block) => block.language === language));
}

/** The rows of the table whose first heading is `heading`, without that one. @throws Error when there is none */
export function readTable({ path, text }: Page, heading: string): string[][] {
  const table = new RegExp(`^\\| ${heading} +\\|.*\\n\\|[-| ]+\\n((?:\\|.*\\n)+)`, 'm').exec(text);
  if (table === null) throw new Error(`${path} has no table '${heading}'`);
  const rows = table[1]?.trimEnd().split('\n') ?? [];
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The content of a cell that is nothing but code. */
export function codeOf(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1];
}
