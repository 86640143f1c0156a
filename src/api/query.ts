/** Query parameters as Docker's clients write them. */
import { parseTimeNs } from '#base';
import { errors } from './errors.ts';

/** compat: absent, empty, `0`, `no`, `false` and `none` are false, all else is true (moby httputils.BoolValue). */
export function boolean(query: URLSearchParams, name: string, byDefault = false): boolean {
  const value = query.get(name)?.trim().toLowerCase();
  if (value === undefined) return byDefault;
  return !['', '0', 'no', 'false', 'none'].includes(value);
}

/** Throws `api.invalid` for anything but an integer. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d+$/.test(value))
    throw errors.invalid(`invalid value for ${name}: strconv.ParseInt: parsing "${value}": invalid syntax`);
  return Number(value);
}

/** Unix seconds with a fraction, or RFC 3339, as nanoseconds; undefined when absent or zero. */
export function timestamp(query: URLSearchParams, name: string): bigint | undefined {
  const value = query.get(name);
  if (value === null || value === '' || value === '0') return undefined;
  const match = /^(-?\d{1,18})(?:\.(\d+))?$/.exec(value);
  if (match) return BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? '').slice(0, 9).padEnd(9, '0'));
  const parsed = parseTimeNs(value);
  if (parsed === undefined) throw errors.invalid(`invalid value for "${name}": value must be a timestamp: '${value}'`);
  return parsed;
}

export type Filters = ReadonlyMap<string, readonly string[]>;

/**
 * `{"label":["a"]}` or the older `{"label":{"a":true}}`. compat: a key without a value filters nothing, and in the older
 * form what is said of a value does not matter. Throws `api.invalid` for an unknown key or anything of another shape.
 */
export function filters(query: URLSearchParams, known: readonly string[]): Filters {
  const text = query.get('filters');
  if (text === null || text === '') return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw errors.invalid(`invalid filter: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw errors.invalid(`invalid filter: filters have to be an object, and are ${JSON.stringify(value)}`);
  }
  const entries = Object.entries(value).map(([key, values]): [string, readonly string[]] => {
    if (!known.includes(key)) throw errors.invalid(`invalid filter '${key}'`);
    return [key, [...new Set(valuesOf(key, values ?? []))]];
  });
  return new Map(entries.filter(([, values]) => values.length > 0));
}

function valuesOf(key: string, values: unknown): readonly string[] {
  if (Array.isArray(values) && values.every((each) => typeof each === 'string')) return values;
  const isOld = typeof values === 'object' && values !== null && !Array.isArray(values);
  if (isOld && Object.values(values).every((each) => typeof each === 'boolean')) return Object.keys(values);
  throw errors.invalid(`invalid filter: ${key} has to be a list of strings, and is ${JSON.stringify(values)}`);
}
