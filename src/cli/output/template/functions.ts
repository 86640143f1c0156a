/** The functions of templates: Go's own, and those Docker adds. `and` and `or` belong to the evaluator. */
import { formatJson64 } from '#specs';
import { formatPrintf } from './printf.ts';
import { entriesOf, isRecord, isTrue, printValue } from './values.ts';

export type TemplateFunction = (...args: unknown[]) => unknown;

/** Go has these; nobody needs them here. */
export const leftOut: readonly string[] = ['call', 'html', 'js', 'urlquery'];

export const functions: Readonly<Record<string, TemplateFunction>> = {
  not: (...args) => !isTrue(exactly(args, 1)[0]),
  len: (...args) => lengthOf(exactly(args, 1)[0]),
  index: (collection, ...keys) => keys.reduce(elementOf, collection),
  slice: (collection, ...bounds) => sliceOf(collection, bounds),
  print: (...args) => printed(args),
  println: (...args) => `${args.map(printValue).join(' ')}\n`,
  printf: (format, ...args) => formatPrintf(textOf(format), args),
  eq: (first, ...others) => {
    if (others.length === 0) throw new Error('missing argument for comparison');
    return others.some((other) => same(first, other));
  },
  ne: (...args) => !same(...pair(args)),
  lt: (...args) => compare(...pair(args)) < 0,
  le: (...args) => compare(...pair(args)) <= 0,
  gt: (...args) => compare(...pair(args)) > 0,
  ge: (...args) => compare(...pair(args)) >= 0,

  json: (...args) => formatJson64(plain(exactly(args, 1)[0]) ?? null),
  join: (...args) => {
    const [list, separator] = exactly(args, 2);
    return listOf(list).map(printValue).join(textOf(separator));
  },
  split: (...args) => {
    const [text, separator] = exactly(args, 2);
    return textOf(text).split(textOf(separator));
  },
  lower: (...args) => textOf(exactly(args, 1)[0]).toLowerCase(),
  upper: (...args) => textOf(exactly(args, 1)[0]).toUpperCase(),
  title: (...args) =>
    textOf(exactly(args, 1)[0]).replace(
      /(^|\s)(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  pad: (...args) => {
    const [text, before, after] = exactly(args, 3);
    const value = textOf(text);
    return value === '' ? '' : ' '.repeat(Number(before)) + value + ' '.repeat(Number(after));
  },
  truncate: (...args) => {
    const [text, length] = exactly(args, 2);
    return Array.from(textOf(text)).slice(0, Number(length)).join('');
  },
};

function exactly(args: readonly unknown[], count: number): readonly unknown[] {
  if (args.length !== count) throw new Error(`wrong number of args: want ${count} got ${args.length}`);
  return args;
}

function pair(args: readonly unknown[]): [unknown, unknown] {
  const [first, second] = exactly(args, 2);
  return [first, second];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`wrong type for value; expected string; got ${typeName(value)}`);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`wrong type for value; expected a list; got ${typeName(value)}`);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (Array.isArray(value)) return 'list';
  return isRecord(value) ? 'map' : typeof value;
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  const entries = typeof value === 'object' ? entriesOf(value) : undefined;
  if (!entries) throw new Error(`len of type ${typeName(value)}`);
  return entries.length;
}

/** compat: a missing key gives the empty value, an index out of range an error. */
function elementOf(collection: unknown, key: unknown): unknown {
  if (typeof collection === 'string' || Array.isArray(collection)) {
    const at = Number(key);
    if (!Number.isInteger(at) || typeof key === 'string') throw new Error(`cannot index list with ${printValue(key)}`);
    if (at < 0 || at >= collection.length) throw new Error(`index out of range: ${at}`);
    return collection[at];
  }
  if (collection instanceof Map) return (collection as Map<unknown, unknown>).get(key) ?? '';
  if (isRecord(collection)) return Object.hasOwn(collection, String(key)) ? collection[String(key)] : '';
  if (collection === null || collection === undefined) throw new Error('index of untyped nil');
  throw new Error(`can't index item of type ${typeName(collection)}`);
}

function sliceOf(collection: unknown, bounds: readonly unknown[]): unknown {
  if (typeof collection !== 'string' && !Array.isArray(collection)) {
    throw new Error(`can't slice item of type ${typeName(collection)}`);
  }
  const [from = 0, to = collection.length] = bounds.map(Number);
  if (bounds.length > 2 || !(0 <= from && from <= to && to <= collection.length)) {
    throw new Error(`slice bounds out of range: ${bounds.join(':')}`);
  }
  return collection.slice(from, to);
}

/** compat: Go's Sprint puts a space between operands when neither is text. */
function printed(args: readonly unknown[]): string {
  let text = '';
  for (const [index, arg] of args.entries()) {
    const between = index > 0 && typeof arg !== 'string' && typeof args[index - 1] !== 'string';
    text += (between ? ' ' : '') + printValue(arg);
  }
  return text;
}

function same(first: unknown, second: unknown): boolean {
  if (isBasic(first) && isBasic(second)) {
    const bothNumbers = isNumber(first) && isNumber(second);
    if (!bothNumbers && typeof first !== typeof second && first != null && second != null) {
      throw new Error('incompatible types for comparison');
    }
    // Numbers and big integers of the same size are equal, null and undefined are both nil.
    return first == second;
  }
  throw new Error('non-comparable types in comparison');
}

function compare(first: unknown, second: unknown): number {
  const comparable = (isNumber(first) && isNumber(second)) || (typeof first === 'string' && typeof second === 'string');
  if (!comparable) throw new Error('incompatible types for comparison');
  return first < second ? -1 : first > second ? 1 : 0;
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';
const isBasic = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** Maps as objects, for JSON. */
function plain(value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value;
}
