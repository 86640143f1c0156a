/**
 * Bodies of requests have the shape their reader counts on: a wrong type is refused by the field's name.
 *
 * compat: as Go reads JSON, names of fields count in any case, and null is as good as nothing wherever it stands.
 */
import { errors } from './errors.ts';

export type Shape =
  | 'text'
  | 'flag'
  | 'integer'
  | 'texts'
  | 'lists'
  | 'command'
  | 'sizes'
  | 'map'
  | 'set'
  | ListOf
  | MapOf
  | Fields;

/** Each entry of a list. */
export interface ListOf {
  readonly each: Fields;
}

/** Each value of an object whose keys are the user's. */
export interface MapOf {
  readonly values: ListOf | Fields;
}

/** Of an object; fields that are not named are not looked at, as Docker does it. */
export interface Fields {
  readonly [field: string]: Shape;
}

type JsonObject = Readonly<Record<string, unknown>>;

const words: Readonly<Record<Extract<Shape, string>, string>> = {
  text: 'a string',
  flag: 'true or false',
  integer: 'an integer',
  texts: 'a list of strings',
  lists: 'a list of lists of strings',
  command: 'a list of strings',
  sizes: 'a list of integers, none below 0',
  map: 'an object of strings',
  set: 'an object of objects',
};

/** What an int64 holds; the largest of them is the double next to it. */
const LARGEST = 2 ** 63;

/**
 * The body with its fields under the names in `fields`, or an empty object for none. Throws `api.invalid` with the field
 * that is wrong.
 */
export function checkedBody<Body extends object>(body: unknown, fields: Fields): Body {
  if (body === undefined || body === null) return {} as Body;
  return readObject(body, fields, '') as Body;
}

function readObject(value: unknown, fields: Fields, at: string): JsonObject {
  if (!isObject(value)) throw wrong(at, 'an object', value);
  const entries = Object.entries(value).map(([given, field]): [string, unknown] => {
    const name = nameOf(given, fields);
    const shape = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return [name, shape === undefined ? field : read(field, shape, at === '' ? name : `${at}.${name}`)];
  });
  return Object.fromEntries(entries);
}

function read(value: unknown, shape: Shape, at: string): unknown {
  if (value === undefined || value === null) return value;
  if (typeof shape === 'string') {
    if (!fits(value, shape)) throw wrong(at, words[shape], value);
    if (shape === 'map') return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, each ?? '']));
    return shape === 'command' && typeof value === 'string' ? [value] : value;
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) throw wrong(at, 'a list', value);
    return value.map((each, index) => readObject(each ?? {}, shape.each, `${at}[${index}]`));
  }
  if (isMap(shape)) {
    if (!isObject(value)) throw wrong(at, 'an object', value);
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, read(each, shape.values, `${at}[${JSON.stringify(key)}]`)]),
    );
  }
  return readObject(value, shape, at);
}

const folded = new WeakMap<Fields, ReadonlyMap<string, string>>();

/** The field a key of the body means: in the case it is given, or in any. */
function nameOf(key: string, fields: Fields): string {
  if (Object.hasOwn(fields, key)) return key;
  let names = folded.get(fields);
  if (!names) folded.set(fields, (names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]))));
  return names.get(key.toLowerCase()) ?? key;
}

const isList = (shape: ListOf | MapOf | Fields): shape is ListOf => 'each' in shape;

const isMap = (shape: MapOf | Fields): shape is MapOf => 'values' in shape;

function fits(value: unknown, shape: Extract<Shape, string>): boolean {
  switch (shape) {
    case 'text':
      return typeof value === 'string';
    case 'flag':
      return typeof value === 'boolean';
    case 'integer':
      return isInteger(value);
    case 'texts':
      return isListOf(value, (each) => typeof each === 'string');
    case 'lists':
      return isListOf(value, (each) => each === null || isListOf(each, (text) => typeof text === 'string'));
    // compat: a command in one piece is taken for a program without arguments.
    case 'command':
      return typeof value === 'string' || isListOf(value, (each) => typeof each === 'string');
    case 'sizes':
      return isListOf(value, (each) => isInteger(each) && each >= 0);
    case 'map':
      return isObject(value) && Object.values(value).every((each) => each === null || typeof each === 'string');
    case 'set':
      return isObject(value) && Object.values(value).every((each) => each === null || isObject(each));
  }
}

const isInteger = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= LARGEST;

const isListOf = (value: unknown, test: (each: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(test);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function wrong(at: string, expected: string, value: unknown) {
  const text = JSON.stringify(value);
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return errors.invalid(`invalid JSON: ${at === '' ? 'the body' : at} has to be ${expected}, and is ${shown}`);
}
