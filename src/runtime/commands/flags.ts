/**
 * Flags in the grammar of runc's: Go's flag package (`-f`, `--flag value`, `--flag=value`, `--switch=false`) with
 * aliases, and flags that may also follow the arguments.
 */
import { errors } from '../errors.ts';

export interface FlagShape {
  /** The long name first; others are aliases. */
  readonly names: readonly [string, ...string[]];
  readonly kind: 'switch' | 'text' | 'count' | 'texts';
  /** For the help text. */
  readonly about: string;
}

export type FlagTable = Readonly<Record<string, FlagShape>>;

interface KindValue {
  switch: boolean;
  text: string | undefined;
  count: number | undefined;
  texts: readonly string[];
}

/** The values of a table's flags: switches default to false, lists to empty. */
export type FlagValues<Table extends FlagTable> = { readonly [Name in keyof Table]: KindValue[Table[Name]['kind']] };

export interface Parsed<Table extends FlagTable> {
  readonly values: FlagValues<Table>;
  readonly args: readonly string[];
}

/**
 * Takes flags off the front of `argv`, or with `anywhere` from everywhere before a `--`.
 * Throws `runtime.usage` for unknown flags, missing and bad values.
 */
export function parseFlags<const Table extends FlagTable>(
  table: Table,
  argv: readonly string[],
  anywhere = false,
): Parsed<Table> {
  const values: Record<string, boolean | string | number | string[] | undefined> = {};
  for (const [key, { kind }] of Object.entries(table)) {
    values[key] = kind === 'switch' ? false : kind === 'texts' ? [] : undefined;
  }
  const args: string[] = [];
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === '--') {
      at += 1;
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      if (!anywhere) break;
      args.push(word);
      continue;
    }
    const [, name = '', given] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const [key, shape] = Object.entries(table).find(([, { names }]) => names.includes(name)) ?? [];
    if (key === undefined || shape === undefined) throw errors.usage(`flag provided but not defined: -${name}`);
    if (shape.kind === 'switch') {
      values[key] = given === undefined || toBoolean(given, name);
      continue;
    }
    const text = given ?? argv[++at];
    if (text === undefined) throw errors.usage(`flag needs an argument: -${name}`);
    if (shape.kind === 'texts') (values[key] as string[]).push(text);
    else values[key] = shape.kind === 'count' ? toCount(text, name) : text;
  }
  return { values: values as FlagValues<Table>, args: [...args, ...argv.slice(at)] };
}

/** compat: the words of Go's strconv.ParseBool. */
function toBoolean(text: string, name: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw errors.usage(`invalid boolean value "${text}" for -${name}`);
}

function toCount(text: string, name: string): number {
  if (!/^\d{1,15}$/.test(text)) throw errors.usage(`invalid value "${text}" for flag -${name}: not a number`);
  return Number(text);
}
