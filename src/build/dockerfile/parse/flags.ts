/** Flags of instructions: `--chown=1:1`, `--link`, before the arguments. Pure. compat: BuildKit's refusals. */
import { errors } from '../errors.ts';
import { hint } from '../suggest.ts';

export type FlagKind = 'text' | 'boolean' | 'list';
export type FlagKinds = Readonly<Record<string, FlagKind>>;

export interface FlaggedText {
  /** Without their quotes: `--name`, `--name=value`. */
  readonly flags: readonly string[];
  /** Without blanks around it. */
  readonly rest: string;
}

/** Takes the flags off; `--` alone ends them. */
export function splitFlags(text: string): FlaggedText {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text[at]!)) at += 1;
    if (!text.startsWith('--', at)) break;
    const { word, end } = flagWord(text, at);
    at = end;
    if (word === '--') break;
    flags.push(word);
  }
  return { flags, rest: text.slice(at).trim() };
}

/** Up to a blank outside of quotes. compat: a backslash quotes the next character, whatever the file's escape is. */
function flagWord(text: string, start: number): { word: string; end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at += 1) {
    const char = text[at]!;
    if (quote === '' && /\s/.test(char)) break;
    if (char === '\\') {
      at += 1;
      word += text[at] ?? '';
    } else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else word += char;
  }
  return { word, end: at };
}

export class Flags {
  readonly #values = new Map<string, string[]>();

  /** Throws `dockerfile.unknownFlag`, `.repeatedFlag`, `.notBoolean`, `.flagWithoutValue`. */
  constructor(flags: readonly string[], kinds: FlagKinds) {
    for (const flag of flags) {
      const [, name, value] = /^--([^=]*)(?:=([^]*))?$/.exec(flag) as unknown as [string, string, string | undefined];
      const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
      if (!kind) throw errors.unknownFlag(name, hint(name, Object.keys(kinds), true));
      const values = this.#values.get(name) ?? [];
      if (values.length > 0 && kind !== 'list') throw errors.repeatedFlag(name);
      this.#values.set(name, [...values, kind === 'boolean' ? boolean(name, value) : text(name, value)]);
    }
  }

  text(name: string): string {
    return this.#values.get(name)?.[0] ?? '';
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Undefined when not given. */
  boolean(name: string): boolean | undefined {
    const value = this.#values.get(name)?.[0];
    return value === undefined ? undefined : value === 'true';
  }
}

function boolean(name: string, value: string | undefined): string {
  if (value === undefined || value === '') return 'true';
  const word = value.toLowerCase();
  if (word !== 'true' && word !== 'false') throw errors.notBoolean(name, value);
  return word;
}

function text(name: string, value: string | undefined): string {
  if (value === undefined) throw errors.flagWithoutValue(name);
  return value;
}
