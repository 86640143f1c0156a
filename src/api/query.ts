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
  const match = /^(-?\d+)(?:\.(\d{1,9}))?$/.exec(value);
  if (match) return BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
  const parsed = parseTimeNs(value);
  if (parsed === undefined) throw errors.invalid(`invalid value for "${name}": value must be a timestamp: '${value}'`);
  return parsed;
}

export type Filters = ReadonlyMap<string, readonly string[]>;

/** `{"label":["a"]}` or the older `{"label":{"a":true}}`. Throws `api.invalid` for an unknown key or bad JSON. */
export function filters(query: URLSearchParams, known: readonly string[]): Filters {
  const text = query.get('filters');
  if (text === null || text === '') return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw errors.invalid(`invalid filter: ${error instanceof Error ? error.message : String(error)}`);
  }
  const entries = Object.entries((value ?? {}) as Record<string, unknown>).map(([key, values]): [string, string[]] => {
    if (!known.includes(key)) throw errors.invalid(`invalid filter '${key}'`);
    if (Array.isArray(values)) return [key, values.map(String)];
    return [
      key,
      Object.entries((values ?? {}) as Record<string, boolean>)
        .filter(([, on]) => on)
        .map(([name]) => name),
    ];
  });
  return new Map(entries);
}
