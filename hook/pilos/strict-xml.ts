/**
 * XML read as strictly as PILOS does: with libxml2 behind SimpleXML, and every warning of theirs an exception.
 * BBB's own files are read by a parser that forgives more and starts faster.
 */
import { SaxesParser, type SaxesTagPlain } from 'saxes';

/** An element, with its place in the text. */
export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  /** Decoded, without that of the children: what SimpleXML makes of the element as a string. */
  text: string;
  /** Where its content begins and ends, in UTF-16 units; the same for `<name/>`. */
  start: number;
  end: number;
}

/** What is wrong, with line and column. */
export class NotWellFormed extends Error {}

/** libxml2's limit for input that it does not trust (`xmlParserMaxDepth`). */
const deepest = 256;

/** Of version 1.0; what else is in it, saxes checks. */
const declaration =
  /^<\?xml[\t\n\r ]+version[\t\n\r ]*=[\t\n\r ]*["']1\.0["']([\t\n\r ]+\w+[\t\n\r ]*=[\t\n\r ]*["'][\w.-]*["'])*[\t\n\r ]*\?>/;

/**
 * The root element of a document.
 *
 * A document type and namespaces are refused although they may be well-formed: BBB writes none, and libxml2 warns of
 * much in them that no specification forbids, as it does of another version than 1.0.
 *
 * @throws NotWellFormed
 */
export function parseStrictXml(text: string): XmlElement {
  const parser = new SaxesParser({ forceXMLVersion: true, defaultXMLVersion: '1.0' });
  const top: XmlElement = { name: '', attributes: {}, children: [], text: '', start: 0, end: 0 };
  const open: XmlElement[] = [top];
  const addText = (piece: string) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += piece;
  };
  parser.on('error', (error) => {
    throw new NotWellFormed(error.message);
  });
  parser.on('doctype', () => parser.fail('a document type is not supported.'));
  parser.on('processinginstruction', ({ target }) => refuse(parser, target, /^xml|:/i));
  parser.on('opentag', (tag) => {
    const { name, attributes } = tag as SaxesTagPlain;
    if (open.length > deepest) parser.fail(`more than ${deepest} elements in each other.`);
    for (const one of [name, ...Object.keys(attributes)]) refuse(parser, one, /^xmlns$|:/);
    const at = parser.position;
    const element = { name, attributes, children: [], text: '', start: at, end: at };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', ({ isSelfClosing }) => {
    const element = open.pop();
    if (element !== undefined && !isSelfClosing) element.end = text.lastIndexOf('</', parser.position - 1);
  });
  if (text.startsWith('<?xml') && !declaration.test(text))
    parser.fail('an XML declaration of another kind is not supported.');
  parser.write(text).close();
  return top.children[0] ?? top;
}

function refuse(parser: SaxesParser, name: string, special: RegExp): void {
  if (special.test(name)) parser.fail(`the name ${name} is not supported.`);
}

/** The first element of each name on the way, as `$xml->meta->meetingId` finds it. */
export function findElement(root: XmlElement, ...names: readonly string[]): XmlElement | undefined {
  return names.reduce<XmlElement | undefined>(
    (parent, name) => parent?.children.find((child) => child.name === name),
    root,
  );
}

/** White space as XML has it, which its pretty printers add; a non-breaking space is a character like any other. */
export function trimXml(text: string): string {
  return text.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
}

/**
 * The document with other contents for some elements, which have no children; the rest stays as it is.
 *
 * @param values the new contents, not yet escaped
 */
export function replaceContents(text: string, values: ReadonlyMap<XmlElement, string>): string {
  return [...values]
    .toSorted(([one], [other]) => other.start - one.start)
    .reduce(
      (changed, [{ start, end }, value]) => changed.slice(0, start) + escapeXml(value) + changed.slice(end),
      text,
    );
}

function escapeXml(value: string): string {
  const references: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
  return value.replace(/[&<>\r]/g, (character) => references[character] ?? character);
}
