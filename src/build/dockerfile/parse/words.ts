/** Arguments of instructions as words: at blanks, as `name=value` pairs, or as a JSON array. Pure. */
import { errors } from '../errors.ts';

/** At blanks, quotes or not: what COPY, FROM and EXPOSE do. */
export function blankWords(text: string): string[] {
  return text.split(/[\t\v\f\r\n ]+/).filter((word) => word !== '');
}

/** At blanks outside of quotes; quotes and escapes stay in the words. */
export function pairWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    // Between single quotes nothing is escaped.
    if (char === escape && quote !== "'") {
      // At the very end it is dropped.
      if (at + 1 === text.length) break;
      word += char + text[at + 1]!;
      at += 1;
    } else if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      if (char === quote) quote = '';
      else if (quote === '' && (char === '"' || char === "'")) quote = char;
      word += char;
    }
  }
  if (word !== '') words.push(word);
  return words;
}

export interface Pairs {
  readonly pairs: readonly (readonly [key: string, value: string])[];
  readonly isLegacy: boolean;
}

/** `a=b c="d e"`, or `a the rest`. Throws `dockerfile.noArguments`, `.noValue`, `.noEquals`, `.blankName`. */
export function readPairs(name: string, text: string, escape: string): Pairs {
  const words = pairWords(text, escape);
  if (words.length === 0) throw errors.noArguments(name);
  const isLegacy = !words[0]!.includes('=');
  const pairs = isLegacy ? [legacyPair(name, text)] : words.map(pairOf);
  if (pairs.some(([key]) => key === '')) throw errors.blankName(name);
  return { pairs, isLegacy };
}

function legacyPair(name: string, text: string): [string, string] {
  const [, key, value] = /^(\S+)\s+([^]*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined || value === '') throw errors.noValue(name);
  return [key, value];
}

function pairOf(word: string): [string, string] {
  const at = word.indexOf('=');
  if (at < 0) throw errors.noEquals(word);
  return [word.slice(0, at), word.slice(at + 1)];
}

/** The strings of a JSON array; undefined for what is none. Throws `dockerfile.notStrings` for an array of others. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (value.every((item) => typeof item === 'string')) return value;
  throw errors.notStrings();
}
