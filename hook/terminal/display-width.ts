/** How many columns text takes on a terminal: wide characters take two, combining marks none. */
import stringWidth from 'string-width';

/** Latin letters, one column each: `string-width` takes a hundred times as long to say so. */
const plain = /^[\x20-\x7e\xa0-\xac\xae-\u02ff]*$/;

export function displayWidth(text: string): number {
  return plain.test(text) ? text.length : stringWidth(text);
}

/** Marks stacked on one letter reach into the lines around it. */
const longestCharacter = 12;
const stackedMarks = /\p{M}{4}/u;

const segmenter = new Intl.Segmenter();

/** Cuts to so many columns, with an ellipsis; never within a character. */
export function cut(text: string, width: number): string {
  if (width === Number.POSITIVE_INFINITY) return text;
  if (plain.test(text)) {
    if (text.length <= width) return text;
    return width > 0 ? `${text.slice(0, width - 1)}…` : '';
  }
  if (!stackedMarks.test(text) && stringWidth(text) <= width) return text;
  let columns = 0;
  let result = '';
  /** Where the ellipsis would stand. */
  let fitting = '';
  for (const { segment } of segmenter.segment(text)) {
    const character = [...segment].slice(0, longestCharacter).join('');
    columns += stringWidth(character);
    if (columns > width) return width > 0 ? `${fitting}…` : '';
    result += character;
    if (columns <= width - 1) fitting = result;
  }
  return result;
}
