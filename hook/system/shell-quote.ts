/** A command line that can be pasted into a shell. */
export function shellQuote(command: readonly string[]): string {
  return command
    .map((word) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** A command line as a template: what is put in is quoted, each word of a list by itself. */
export function sh(texts: TemplateStringsArray, ...values: (string | number | readonly string[])[]): string {
  const quote = (value: string | number | readonly string[]) =>
    shellQuote(typeof value === 'object' ? value : [String(value)]);
  return texts.map((text, index) => (index === 0 ? '' : quote(values[index - 1] ?? '')) + text).join('');
}
