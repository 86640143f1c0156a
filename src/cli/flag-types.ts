/** The kinds of flags: switch, text, number, size, list, and anything with a parser of its own. */
import { parseBytes, parseDurationMs } from '#base';
import type { Flag } from './flags.ts';

interface Common {
  readonly short?: string;
  readonly help: string;
  readonly aliases?: readonly string[];
}

/** On or off; off unless said otherwise. `--flag=false` turns it off. */
export function toggle(options: Common & { readonly initial?: boolean }): Flag<boolean> {
  return {
    ...options,
    type: '',
    initial: options.initial ?? false,
    bare: 'true',
    set: (_, text) => parseBoolean(text),
  };
}

export function text(options: Common & { readonly type?: string; readonly initial?: string }): Flag<string> {
  return { ...options, type: options.type ?? 'string', initial: options.initial ?? '', set: (_, value) => value };
}

/** May be given several times. `parse` checks and completes each value. */
export function list(
  options: Common & { readonly type?: string; readonly parse?: (text: string) => string },
): Flag<readonly string[]> {
  const { parse = (value: string) => value, ...rest } = options;
  return { ...rest, type: options.type ?? 'list', initial: [], set: (before, value) => [...before, parse(value)] };
}

/** Undefined when it was not given. */
export function value<T>(
  options: Common & { readonly type: string; readonly parse: (text: string) => T },
): Flag<T | undefined> {
  const { parse, ...rest } = options;
  return { ...rest, initial: undefined, set: (_, given) => parse(given) };
}

/** May be given several times; each is parsed into a value. */
export function values<T>(
  options: Common & { readonly type: string; readonly parse: (text: string) => T },
): Flag<readonly T[]> {
  const { parse, ...rest } = options;
  return { ...rest, initial: [], set: (before, given) => [...before, parse(given)] };
}

export function integer(options: Common): Flag<number | undefined> {
  return value({ ...options, type: 'int', parse: parseInteger });
}

/** A size in bytes: `512m`, `1.5g`. */
export function bytes(options: Common): Flag<number | undefined> {
  return value({ ...options, type: 'bytes', parse: parseBytes });
}

/** A duration in nanoseconds: `1m30s`, `250ms`. */
export function duration(options: Common): Flag<number | undefined> {
  return value({ ...options, type: 'duration', parse: (given) => parseNanoseconds(given) });
}

function parseNanoseconds(given: string): number {
  const isNegative = given.startsWith('-');
  const ns = Math.round(parseDurationMs(isNegative ? given.slice(1) : given) * 1e6);
  return isNegative ? -ns : ns;
}

/** Docker Content Trust: signatures are not looked at, so that only turning them off can be granted. */
export function contentTrust(): Flag<boolean | undefined> {
  const help = 'Skip the verification of signed images, as is always done';
  const parse = (given: string): boolean => {
    if (parseBoolean(given)) return true;
    throw new Error('signatures of images are not verified by this version of Skiff: leave it out');
  };
  return { ...value({ type: '', help, parse }), bare: 'true' };
}

/** compat: Go's integers: a sign, a base by prefix, and `_` between digits. Throws in its words. */
export function parseInteger(given: string): number {
  const digits = given.replace(/^[+-]/, '');
  const valid = /^(0[xX][0-9a-fA-F](_?[0-9a-fA-F])*|0[bB][01](_?[01])*|0[oO]?[0-7](_?[0-7])*|\d(_?\d)*)$/.test(digits);
  const octal = /^0[0-7_]+$/.test(digits);
  const amount = Number((octal ? `0o${digits.slice(1)}` : digits).replaceAll('_', ''));
  if (!valid || !Number.isSafeInteger(amount)) {
    const reason = valid ? 'value out of range' : 'invalid syntax';
    throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(given)}: ${reason}`);
  }
  return given.startsWith('-') ? -amount : amount;
}

/** compat: what Go takes for true and false. */
export function parseBoolean(given: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(given)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(given)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`);
}

/** `key=value` with a key: labels. A missing value is empty. */
export function parseLabel(given: string): string {
  const name = given.split('=')[0]!;
  if (name.trim() === '') throw new Error(`invalid label '${given}': empty name`);
  if (/\s/.test(name.trimStart())) throw new Error(`label '${name}' contains whitespaces`);
  return given;
}

/** `key=value`, `key` for a value of this environment; checked only for its name. */
export function parseEnvironmentEntry(given: string): string {
  if (given === '' || given.startsWith('=')) throw new Error(`invalid environment variable: ${given}`);
  return given;
}

/** `key=value` filters as a map: `-f status=exited -f status=created`. */
export function filterList(options: Common): Flag<ReadonlyMap<string, readonly string[]>> {
  return {
    ...options,
    type: 'filter',
    initial: new Map(),
    set: (before, given) => {
      const at = given.indexOf('=');
      if (at < 0) throw new Error("invalid filter: a filter is written 'name=value'");
      const name = given.slice(0, at).trim().toLowerCase();
      return new Map([...before, [name, [...(before.get(name) ?? []), given.slice(at + 1).trim()]]]);
    },
  };
}
