/** `filters` of list and event routes: key → values. */

export type Filters = ReadonlyMap<string, readonly string[]>;

/** As the API wants them; undefined when there are none. */
export function formatFilters(filters: Filters | undefined): string | undefined {
  return filters === undefined || filters.size === 0 ? undefined : JSON.stringify(Object.fromEntries(filters));
}
