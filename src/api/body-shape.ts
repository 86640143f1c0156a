/** Bodies of requests have the shape their reader counts on: a wrong type is refused by the field's name. */
import { errors } from './errors.ts';

export type Shape =
  | 'text'
  | 'flag'
  | 'integer'
  | 'texts'
  | 'lists'
  | 'command'
  | 'numbers'
  | 'map'
  | 'set'
  | ListOf
  | Fields;

/** Each entry of a list. */
export interface ListOf {
  readonly each: Fields;
}

/** Of an object; fields that are not named are not looked at, as Docker does it. */
export interface Fields {
  readonly [field: string]: Shape;
}

const words: Readonly<Record<Extract<Shape, string>, string>> = {
  text: 'a string',
  flag: 'true or false',
  integer: 'an integer',
  texts: 'a list of strings',
  lists: 'a list of lists of strings',
  command: 'a list of strings',
  numbers: 'a list of integers',
  map: 'an object of strings',
  set: 'an object of objects',
};

/** The body, or an empty object for none. Throws `api.invalid` with the field that is wrong; null is as good as nothing. */
export function checkedBody<Body extends object>(body: unknown, fields: Fields): Body {
  if (body === undefined || body === null) return {} as Body;
  checkObject(body, fields, '');
  return body as Body;
}

function checkObject(value: unknown, fields: Fields, at: string): void {
  if (!isObject(value)) throw wrong(at, 'an object', value);
  for (const [name, shape] of Object.entries(fields)) check(value[name], shape, at === '' ? name : `${at}.${name}`);
}

function check(value: unknown, shape: Shape, at: string): void {
  if (value === undefined || value === null) return;
  if (typeof shape === 'string') {
    if (!fits(value, shape)) throw wrong(at, words[shape], value);
  } else if (isList(shape)) {
    if (!Array.isArray(value)) throw wrong(at, 'a list', value);
    for (const [index, each] of value.entries()) checkObject(each, shape.each, `${at}[${index}]`);
  } else {
    checkObject(value, shape, at);
  }
}

const isList = (shape: ListOf | Fields): shape is ListOf => 'each' in shape;

function fits(value: unknown, shape: Extract<Shape, string>): boolean {
  switch (shape) {
    case 'text':
      return typeof value === 'string';
    case 'flag':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'texts':
      return isListOf(value, (each) => typeof each === 'string');
    case 'lists':
      return isListOf(value, (each) => each === null || isListOf(each, (text) => typeof text === 'string'));
    // compat: a command in one piece is taken for a program without arguments.
    case 'command':
      return typeof value === 'string' || isListOf(value, (each) => typeof each === 'string');
    case 'numbers':
      return isListOf(value, Number.isInteger);
    case 'map':
      return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
    case 'set':
      return isObject(value) && Object.values(value).every((each) => each === null || isObject(each));
  }
}

const isListOf = (value: unknown, test: (each: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(test);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function wrong(at: string, expected: string, value: unknown) {
  const text = JSON.stringify(value);
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return errors.invalid(`invalid JSON: ${at === '' ? 'the body' : at} has to be ${expected}, and is ${shown}`);
}
