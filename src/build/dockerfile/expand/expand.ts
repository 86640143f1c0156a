/**
 * Variables in the words of a Dockerfile: quotes are removed, `$v` and `${v…}` replaced.
 *
 * Pure. spec: Dockerfile reference, "Environment replacement"; compat: BuildKit's modifiers and refusals.
 */
import { SkiffError } from '#base';
import { errors } from '../errors.ts';
import { goQuote } from '../go-format.ts';
import { replaceMatches, stripPrefix, stripSuffix } from './pattern.ts';

export type ValueOf = (name: string) => string | undefined;

export interface ExpandOptions {
  /** The file's escape character. */
  readonly escape: string;
  /** Quotes are characters like others: the body of a heredoc. */
  readonly ignoresQuotes?: boolean;
  /** For display: quotes stay, and so do variables without a value. */
  readonly isForDisplay?: boolean;
}

export interface Expansion {
  readonly text: string;
  /** Variables that had a value. */
  readonly used: ReadonlySet<string>;
  /** Variables that had none, and no default said with `-`, `+` or `?`. */
  readonly missing: ReadonlySet<string>;
}

const MAX_DEPTH = 100;
/** Of one word, in UTF-16 units: doubling variables would fill the memory. */
const MAX_LENGTH = 1 << 20;
/** Of a word in a refusal. */
const MAX_SHOWN = 1000;

/** Throws `dockerfile.openQuote`, `.openBrace`, `.badSubstitution`, `.badModifier`, `.requiredVariable` and limits. */
export function expandWord(word: string, valueOf: ValueOf, options: ExpandOptions): Expansion {
  const expander = new Expander(word, valueOf, options);
  try {
    return { text: expander.expand(), used: expander.used, missing: expander.missing };
  } catch (error) {
    if (!(error instanceof SkiffError)) throw error;
    throw new SkiffError(error.kind, error.code, `failed to process ${goQuote(brief(word))}: ${error.message}`);
  }
}

const brief = (word: string): string => (word.length > MAX_SHOWN ? `${word.slice(0, MAX_SHOWN)}…` : word);

/** As `expandWord`; what was blank outside of quotes, in values too, separates words. */
export function expandToWords(word: string, valueOf: ValueOf, options: ExpandOptions): string[] {
  const { text } = expandWord(word, valueOf, options);
  return text.split(/\s+/).filter((part) => part !== '');
}

class Expander {
  readonly used = new Set<string>();
  readonly missing = new Set<string>();
  readonly #text: string;
  readonly #valueOf: ValueOf;
  readonly #escape: string;
  readonly #ignoresQuotes: boolean;
  readonly #isForDisplay: boolean;
  #at = 0;
  #depth = 0;

  constructor(text: string, valueOf: ValueOf, options: ExpandOptions) {
    this.#text = text;
    this.#valueOf = valueOf;
    this.#escape = options.escape;
    this.#ignoresQuotes = options.ignoresQuotes ?? false;
    this.#isForDisplay = options.isForDisplay ?? false;
  }

  expand(): string {
    return this.#until('', false);
  }

  /** Up to `stop`, which is passed over, or with '' to the end. */
  #until(stop: string, keepsEscapes: boolean): string {
    let result = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === stop) {
        this.#at += 1;
        return result;
      }
      if (char === "'" && !this.#ignoresQuotes) result += this.#singleQuoted();
      else if (char === '"' && !this.#ignoresQuotes) result += this.#doubleQuoted();
      else if (char === '$') result += this.#variable();
      else if (char === this.#escape) {
        if (keepsEscapes) result += char;
        // One at the very end is dropped.
        result += this.#text[this.#at + 1] ?? '';
        this.#at += 2;
      } else {
        result += char;
        this.#at += 1;
      }
      if (result.length > MAX_LENGTH) throw errors.longExpansion(MAX_LENGTH);
    }
    if (stop !== '') throw errors.openBrace();
    return result;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw errors.openQuote('single');
    const inner = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return this.#isForDisplay ? `'${inner}'` : inner;
  }

  #doubleQuoted(): string {
    let result = '';
    this.#at += 1;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw errors.openQuote('double');
      if (char === '"') break;
      if (char === '$') result += this.#variable();
      else if (char === this.#escape) {
        const next = this.#text[this.#at + 1];
        if (next === undefined) throw errors.openQuote('double');
        // Before any other character it stands for itself.
        const isEscape = next === '"' || next === '$' || next === this.#escape;
        result += isEscape ? next : char + next;
        this.#at += 2;
      } else {
        result += char;
        this.#at += 1;
      }
      if (result.length > MAX_LENGTH) throw errors.longExpansion(MAX_LENGTH);
    }
    this.#at += 1;
    return this.#isForDisplay ? `"${result}"` : result;
  }

  #variable(): string {
    const start = this.#at;
    this.#at += 1;
    if (this.#text[this.#at] === '{') return this.#substitution(start);
    const name = this.#name();
    if (name === '') return '$';
    return this.#plain(name, start);
  }

  /** The value, or what an unset variable becomes. */
  #plain(name: string, start: number): string {
    const value = this.#valueOf(name);
    if (value !== undefined) {
      this.used.add(name);
      return value;
    }
    this.missing.add(name);
    return this.#isForDisplay ? this.#text.slice(start, this.#at) : '';
  }

  #name(): string {
    const pattern = /\d+|[@*#?\-$!]|[\p{L}_][\p{L}\p{Nd}_]*/uy;
    pattern.lastIndex = this.#at;
    const name = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += name.length;
    return name;
  }

  /** `${…}`, from its brace on. */
  #substitution(start: number): string {
    if (this.#depth >= MAX_DEPTH) throw errors.deepExpansion(MAX_DEPTH);
    this.#depth += 1;
    this.#at += 1;
    const first = this.#text[this.#at];
    if (first === undefined) throw errors.openBrace();
    if ('{}:'.includes(first)) throw errors.badSubstitution();
    const name = this.#name();
    if (name === '') throw errors.badSubstitution();
    const result = this.#modified(name, start);
    this.#depth -= 1;
    return result;
  }

  #modified(name: string, start: number): string {
    const modifier = this.#take();
    switch (modifier) {
      case '}':
        return this.#plain(name, start);
      case ':': {
        const second = this.#take();
        if (!'-+?'.includes(second)) throw errors.badModifier(modifier + second);
        return this.#conditional(name, second, start);
      }
      case '-':
      case '+':
      case '?':
        return this.#conditional(name, modifier, start);
      case '#':
      case '%': {
        const isLongest = this.#text[this.#at] === modifier;
        if (isLongest) this.#at += 1;
        const pattern = this.#until('}', true);
        const strip = modifier === '#' ? stripPrefix : stripSuffix;
        return strip(this.#valueWithPattern(name), pattern, isLongest);
      }
      case '/': {
        const isEach = this.#text[this.#at] === '/';
        if (isEach) this.#at += 1;
        const pattern = this.#until('/', true);
        // compat: its escapes stay.
        const replacement = this.#until('}', true);
        return replaceMatches(this.#valueWithPattern(name), pattern, replacement, isEach);
      }
      default:
        throw errors.badModifier(modifier);
    }
  }

  #take(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw errors.openBrace();
    this.#at += 1;
    return char;
  }

  #valueWithPattern(name: string): string {
    const value = this.#valueOf(name);
    (value === undefined ? this.missing : this.used).add(name);
    return value ?? '';
  }

  /** `start`: of the whole, where its dollar is. */
  #conditional(name: string, modifier: string, start: number): string {
    const isEmptyUnset = this.#text[this.#at - 2] === ':';
    const word = this.#until('}', false);
    const value = this.#valueOf(name);
    if (value === undefined && this.#isForDisplay) return this.#text.slice(start, this.#at);
    const isSet = value !== undefined && !(isEmptyUnset && value === '');
    if (value !== undefined) this.used.add(name);
    if (modifier === '-') return isSet ? value : word;
    if (modifier === '+') return isSet ? word : '';
    if (isSet) return value;
    const why = value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
    throw errors.requiredVariable(name, word === '' ? why : word);
  }
}
