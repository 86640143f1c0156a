/**
 * Flags in Docker's grammar: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-f=value`, joined short switches
 * (`-it`), `--` as the end. A command's flags are a table, from which values, help and completion come.
 */
import { UsageError } from './errors.ts';

export interface Flag<T> {
  readonly short?: string;
  /** What help shows for the value; empty for a switch. */
  readonly type: string;
  readonly help: string;
  /** Other long names, not shown. */
  readonly aliases?: readonly string[];
  readonly initial: T;
  /** The value after this text was given; throws an Error that says what is wrong with it. */
  set(before: T, text: string): T;
  /** What the flag means without a value; undefined when it needs one. */
  readonly bare?: string;
}

// A table holds flags of all types, and only `parseFlags` hands their values on.
export type FlagTable = Readonly<Record<string, Flag<never>>>;

export type FlagValues<Table> = { readonly [Name in keyof Table]: Table[Name] extends Flag<infer T> ? T : never };

export interface ParsedFlags<Table> {
  readonly values: FlagValues<Table>;
  /** Names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  readonly positionals: readonly string[];
  /** `--help` was among them: nothing else was checked. */
  readonly help: boolean;
}

export interface FlagOptions {
  /** False: the first argument that is no flag ends the flags (what follows belongs to the container's program). */
  readonly interspersed: boolean;
}

/** Throws UsageError for an unknown flag, a missing value, or a value the flag refuses. */
export function parseFlags<Table>(table: Table, args: readonly string[], options: FlagOptions): ParsedFlags<Table> {
  const state = new FlagState(table as FlagTable);
  const positionals: string[] = [];
  let index = 0;
  /** Takes the next argument for a flag that needs one. */
  const next = (flag: string): string => {
    const text = args[index];
    if (text === undefined) throw new UsageError(`flag needs an argument: ${flag}`);
    index += 1;
    return text;
  };
  while (index < args.length) {
    const arg = args[index]!;
    index += 1;
    if (arg === '--') {
      positionals.push(...args.slice(index));
      break;
    }
    if (arg.startsWith('--')) state.long(arg, next);
    else if (arg.startsWith('-') && arg !== '-') state.short(arg, next);
    else if (options.interspersed) positionals.push(arg);
    else {
      positionals.push(arg, ...args.slice(index));
      break;
    }
    if (state.help) break;
  }
  return { values: state.values as FlagValues<Table>, given: state.given, positionals, help: state.help };
}

class FlagState {
  readonly values: Record<string, unknown> = {};
  readonly given = new Set<string>();
  help = false;
  readonly #table: Readonly<Record<string, Flag<unknown>>>;

  constructor(table: FlagTable) {
    this.#table = table;
    for (const [name, flag] of Object.entries(this.#table)) this.values[name] = flag.initial;
  }

  long(arg: string, next: (flag: string) => string): void {
    const [, name = '', value] = /^--([^=]*)(?:=([^]*))?$/.exec(arg) ?? [];
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${arg}`);
    const found = this.#byName(name);
    if (found === undefined) {
      if (name !== 'help') throw new UsageError(`unknown flag: --${name}`);
      this.help = true;
      return;
    }
    this.#set(found, value ?? this.#table[found]!.bare ?? next(`--${name}`));
  }

  /** One or more switches, the last of which may take a value. */
  short(arg: string, next: (flag: string) => string): void {
    for (let letters = arg.slice(1); letters !== ''; ) {
      const letter = letters[0]!;
      const rest = letters.slice(1);
      const found = this.#byShort(letter);
      if (found === undefined) {
        if (letter !== 'h') throw new UsageError(`unknown shorthand flag: '${letter}' in -${letters}`);
        this.help = true;
        return;
      }
      const { bare } = this.#table[found]!;
      if (rest.startsWith('=')) return this.#set(found, rest.slice(1));
      if (bare === undefined) return this.#set(found, rest === '' ? next(`'${letter}' in -${letters}`) : rest);
      this.#set(found, bare);
      letters = rest;
    }
  }

  #byName(name: string): string | undefined {
    if (Object.hasOwn(this.#table, name)) return name;
    return Object.keys(this.#table).find((key) => this.#table[key]!.aliases?.includes(name));
  }

  #byShort(letter: string): string | undefined {
    return Object.keys(this.#table).find((key) => this.#table[key]!.short === letter);
  }

  #set(name: string, text: string): void {
    const flag = this.#table[name]!;
    try {
      this.values[name] = flag.set(this.values[name], text);
    } catch (error) {
      const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${reason}`);
    }
    this.given.add(name);
  }
}
