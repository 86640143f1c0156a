/** How Go sees and prints the values of JSON: what is empty, and `%v`. */

export type Entries = readonly (readonly [key: string | number, value: unknown])[];

/** A collection's entries in Go's order (maps by key); undefined for anything else. */
export function entriesOf(value: unknown): Entries | undefined {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((each, index) => [index, each]);
  if (value instanceof Map) return sorted([...(value as Map<string, unknown>)]);
  if (isRecord(value)) return sorted(Object.entries(value));
  return undefined;
}

export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0 || value === 0n)
    return false;
  if (typeof value !== 'object') return true;
  return (entriesOf(value)?.length ?? 1) > 0;
}

/** `%v`: lists as `[a b]`, maps as `map[key:value]`, nothing as `<nil>`. */
export function printValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(printValue).join(' ')}]`;
  if (typeof value === 'object') {
    return `map[${(entriesOf(value) ?? []).map(([key, each]) => `${key}:${printValue(each)}`).join(' ')}]`;
  }
  return `${value as string | number | boolean | bigint}`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const sorted = (entries: [string, unknown][]): Entries => entries.sort(([a], [b]) => (a < b ? -1 : 1));
