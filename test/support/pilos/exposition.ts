/**
 * A strict reader of Prometheus' text format, with the rules of `promtool check metrics` that apply here.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export interface Family {
  type: string;
  samples: { labels: Record<string, string>; value: number }[];
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const help = new RegExp(`^# HELP (${metricName}) (\\S.*\\.)$`);
const typeLine = new RegExp(`^# TYPE (${metricName}) (counter|gauge)$`);
const sample = new RegExp(`^(${metricName})(?:\\{((?:[^"]|"(?:[^"\\\\]|\\\\.)*")*)\\})? (\\S+)$`);
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/y;

/** @throws Error with the line that breaks a rule */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const lines = text.slice(0, -1).split('\n');
  let helped = '';
  let current = '';
  for (const line of lines) {
    const refuse = (why: string): never => {
      throw new Error(`${why}: ${JSON.stringify(line)}`);
    };
    const [, helpName] = help.exec(line) ?? [];
    const [, typeName, type = ''] = typeLine.exec(line) ?? [];
    if (helpName !== undefined) {
      if (families.has(helpName)) refuse('a family stands twice');
      helped = helpName;
    } else if (typeName !== undefined) {
      if (typeName !== helped) refuse('HELP must stand before TYPE');
      if (type === 'counter' && !typeName.endsWith('_total')) refuse('a counter must end in _total');
      if (type === 'gauge' && typeName.endsWith('_total')) refuse('only a counter may end in _total');
      families.set(typeName, { type, samples: [] });
      current = typeName;
    } else {
      const [, name, labels = '', number = ''] =
        sample.exec(line) ?? refuse('neither HELP, TYPE nor a sample');
      if (name !== current) refuse('a sample away from its family');
      const value = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(number) ? Number(number) : refuse('no number');
      families.get(current)?.samples.push({ labels: parseLabels(labels) ?? refuse('bad labels'), value });
    }
  }
  for (const [name, { samples }] of families) {
    const series = samples.map(({ labels }) => JSON.stringify(labels));
    if (series.length === 0) throw new Error(`${name} has no samples`);
    if (new Set(series).size < series.length) throw new Error(`${name} has a series twice`);
  }
  return families;
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  label.lastIndex = 0;
  let end = 0;
  for (let match = label.exec(text); match !== null; match = label.exec(text)) {
    const [, name = '', value = ''] = match;
    if (name in labels) return undefined;
    labels[name] = value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
    end = label.lastIndex;
  }
  return end === text.length ? labels : undefined;
}

/** The sample with exactly these labels. @throws Error when the text is invalid or has none */
export function sampleOf(text: string, name: string, labels: Record<string, string>): number {
  const wanted = Object.entries(labels);
  const found = parseExposition(text)
    .get(name)
    ?.samples.find((one) => {
      return (
        Object.keys(one.labels).length === wanted.length &&
        wanted.every(([key, value]) => one.labels[key] === value)
      );
    });
  if (found === undefined) throw new Error(`no sample ${name} ${JSON.stringify(labels)} in ${text}`);
  return found.value;
}
