/**
 * Shapes of JSON: what type a field has, said once as a value, so that a config someone else wrote can be trusted
 * to have the types of #specs. Only types; what values mean is checked where they are used.
 */

export type Shape =
  | 'text'
  | 'boolean'
  | 'number'
  | 'count'
  | { readonly [field: string]: Shape }
  | ListShape
  | MapShape;

/** A list of equal items. */
export interface ListShape {
  readonly list: Shape;
}

/** An object with any keys and equal values. */
export interface MapShape {
  readonly map: Shape;
}

/** Where a value is not what its shape says. */
export interface Misfit {
  readonly path: string;
  readonly found: string;
  readonly wanted: string;
}

export const list = (item: Shape): ListShape => ({ list: item });
export const map = (value: Shape): MapShape => ({ map: value });

/** The first misfit, or undefined. Absent and null fields fit everywhere (Go writes null), unknown ones are not looked at. */
export function misfit(value: unknown, shape: Shape, path: string): Misfit | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof shape === 'string') return scalars[shape](value) ? undefined : wrong(value, words[shape], path);
  if (isList(shape)) {
    if (!Array.isArray(value)) return wrong(value, 'a list', path);
    return first(
      value.map(
        (item: unknown, index) => (): Misfit | undefined =>
          item === null ? wrong(item, 'no null', `${path}[${index}]`) : misfit(item, shape.list, `${path}[${index}]`),
      ),
    );
  }
  if (typeof value !== 'object' || Array.isArray(value)) return wrong(value, 'an object', path);
  const fields = value as Readonly<Record<string, unknown>>;
  const under = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const pairs: [string, Shape][] = isMap(shape)
    ? Object.keys(fields).map((name) => [name, shape.map])
    : Object.entries(shape as Readonly<Record<string, Shape>>);
  return first(
    pairs.map(
      ([name, inner]) =>
        () =>
          misfit(fields[name], inner, under(name)),
    ),
  );
}

/** A copy without null fields, which mean the same as absent ones. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (inner === null ? [] : [[name, withoutNulls(inner)]])),
  );
}

const scalars = {
  text: (value: unknown) => typeof value === 'string' && !value.includes('\0'),
  boolean: (value: unknown) => typeof value === 'boolean',
  number: (value: unknown) => typeof value === 'bigint' || Number.isInteger(value),
  count: (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32,
} as const;

const words = {
  text: 'a string without NUL',
  boolean: 'true or false',
  number: 'a whole number',
  count: 'a whole number from 0 to 4294967295',
} as const;

function wrong(value: unknown, wanted: string, path: string): Misfit {
  const found = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return { path, found: found.length > 80 ? `${found.slice(0, 77)}...` : found, wanted };
}

function first(checks: readonly (() => Misfit | undefined)[]): Misfit | undefined {
  for (const check of checks) {
    const found = check();
    if (found) return found;
  }
  return undefined;
}

const isList = (shape: object): shape is ListShape => 'list' in shape && Object.keys(shape).length === 1;
const isMap = (shape: object): shape is MapShape => 'map' in shape && Object.keys(shape).length === 1;
