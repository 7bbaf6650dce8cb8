/**
 * What a YAML value means to Ruby's Psych, with which BBB and PILOS' script read the same files. Source:
 * `psych/scalar_scanner.rb` and `revive_hash` in `psych/visitors/to_ruby.rb`.
 *
 * Three things stay text here that Ruby makes a Date, a Time or a Symbol of: no setting is one. A tag of Ruby's,
 * which could make any object, is passed over.
 */
import {
  defineMappingTag,
  defineScalarTag,
  defineSequenceTag,
  FAILSAFE_SCHEMA,
  NOT_RESOLVED,
  type Schema,
} from 'js-yaml';

type Mapping = Record<string, unknown>;

const float = /^[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?$/;
const integer = /^[-+]?(?:0b[01_,]+|0[0-7_,]+|(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)|0x[0-9a-fA-F_,]+)$/;
const sexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}(?:\.[0-9_]*)?$/;

/** `onDuplicate` is given each key that a mapping has twice; the last value counts. */
export function createPsychSchema(onDuplicate: (key: string) => void): Schema {
  const scalar = (name: string, byPrefix: boolean) =>
    defineScalarTag(name, {
      matchByTagPrefix: byPrefix,
      implicit: !byPrefix,
      resolve: (source, isExplicit) => {
        const value = parsePsychScalar(source);
        return value === source && !isExplicit ? NOT_RESOLVED : value;
      },
      identify: () => false,
    });
  const mapping = (name: string, byPrefix: boolean) =>
    defineMappingTag<Mapping>(name, {
      matchByTagPrefix: byPrefix,
      create: () => Object.create(null) as Mapping,
      addPair: (carrier, key, value) => addPair(carrier, key, value, onDuplicate),
      has: (carrier, key) => String(key) in carrier,
      keys: Object.keys,
      get: (carrier, key) => carrier[String(key)],
      identify: () => false,
    });
  const anySequence = defineSequenceTag<unknown[]>('', {
    matchByTagPrefix: true,
    create: () => [],
    addItem: (carrier, item) => void carrier.push(item),
    identify: () => false,
  });
  return FAILSAFE_SCHEMA.withTags(
    mapping('tag:yaml.org,2002:map', false),
    scalar('psych', false),
    scalar('', true),
    mapping('', true),
    anySequence,
  );
}

/** Psych merges where `<<` stands: it overrides keys above it, and is overridden by those below. */
function addPair(carrier: Mapping, key: unknown, value: unknown, onDuplicate: (key: string) => void): string {
  // A key that is a list or a mapping names no setting.
  if (typeof key === 'object' && key !== null) return '';
  const name = key === null ? '' : String(key);
  const sources = Array.isArray(value) ? value.toReversed() : [value];
  if (name === '<<' && sources.every(isMapping)) {
    Object.assign(carrier, ...sources);
    return '';
  }
  if (written(carrier).has(name)) onDuplicate(name);
  written(carrier).add(name);
  carrier[name] = value;
  return '';
}

/** The keys that a mapping was given by itself, not by a merge. */
const writtenKeys = new WeakMap<Mapping, Set<string>>();

function written(carrier: Mapping): Set<string> {
  const keys = writtenKeys.get(carrier) ?? new Set();
  writtenKeys.set(carrier, keys);
  return keys;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A plain scalar → what Psych's `tokenize` makes of it. */
function parsePsychScalar(source: string): unknown {
  if (source === '' || source === '~' || /^null$/i.test(source)) return null;
  if (/^(?:yes|true|on)$/i.test(source)) return true;
  if (/^(?:no|false|off)$/i.test(source)) return false;
  if (/^\+?\.inf$/i.test(source)) return Number.POSITIVE_INFINITY;
  if (/^-\.inf$/i.test(source)) return Number.NEGATIVE_INFINITY;
  if (/^\.nan$/i.test(source)) return Number.NaN;
  if (sexagesimal.test(source)) return parseSexagesimal(source);
  if (float.test(source) && !/^[-+]?\.$/.test(source)) return Number.parseFloat(source.replace(/[,_]/g, ''));
  return integer.test(source) ? (parseInteger(source.replace(/[,_]/g, '')) ?? source) : source;
}

/** Psych takes `1:30` for one hour and a half, as it does `1:30:00`. */
function parseSexagesimal(source: string): number {
  return source
    .replaceAll('_', '')
    .split(':')
    .reduce((sum, part, index) => sum + Number(part) * 60 ** Math.abs(index - 2), 0);
}

/** As Ruby's `Integer()`, with its octal `017`. */
function parseInteger(digits: string): number | undefined {
  const [, sign = '', rest = ''] = /^([-+]?)(.*)$/.exec(digits) ?? [];
  const value = /^0[0-7]+$/.test(rest) ? Number.parseInt(rest, 8) : Number(rest);
  if (rest === '' || Number.isNaN(value)) return undefined;
  return sign === '-' ? -value : value;
}
