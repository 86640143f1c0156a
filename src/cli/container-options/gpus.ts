/** `--gpus`: `all`, a number, or `device=ID,…` and the like → a request for devices. compat: docker's grammar and words. */
import type { DeviceRequestBody } from '#specs';

const ALL = -1;

/** Fields of one line of CSV: those with commas in them stand in double quotes. Throws for a quote that stays open. */
function csvFields(text: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = pattern.exec(text);
    if (!match) throw new Error(`parse error on line 1: bare or open " in ${text}`);
    fields.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
    if (match[3] === '') return fields;
  }
}

/** Throws an Error that says what is wrong. */
export function parseGpus(text: string): DeviceRequestBody {
  let driver = '';
  let count: number | undefined;
  let ids: readonly string[] | undefined;
  let capabilities: readonly string[] = [];
  let options: Readonly<Record<string, string>> = {};
  const seen = new Set<string>();
  for (const field of csvFields(text)) {
    const at = field.indexOf('=');
    const name = at < 0 ? field : field.slice(0, at);
    const value = at < 0 ? field : field.slice(at + 1);
    if (seen.has(name)) throw new Error(`gpu request key '${name}' can be specified only once`);
    seen.add(name);
    const key = at < 0 ? 'count' : name;
    if (key === 'driver') driver = value;
    else if (key === 'count') count = countOf(value);
    else if (key === 'device') ids = value.split(',');
    else if (key === 'capabilities') capabilities = value.split(',');
    else if (key === 'options') options = optionsOf(value);
    else throw new Error(`unexpected key '${key}' in '${field}'`);
  }
  return {
    Driver: driver,
    Count: count ?? (ids ? 0 : 1),
    DeviceIDs: ids ?? null,
    Capabilities: [[...capabilities, 'gpu']],
    Options: options,
  };
}

function countOf(value: string): number {
  if (value === 'all') return ALL;
  if (!/^[+-]?\d+$/.test(value))
    throw new Error(`invalid count (${value}): value must be either "all" or an integer: invalid syntax`);
  return Number(value);
}

function optionsOf(value: string): Record<string, string> {
  return Object.fromEntries(
    csvFields(value).map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
