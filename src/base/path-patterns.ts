/**
 * Patterns of paths as Docker's files write them: wildcards of Go's filepath.Match, and lists of exclusions as in
 * `.dockerignore`. Pure. Paths have `/` between their names and none at the ends.
 */
import { defineErrors } from './errors.ts';

const errors = defineErrors('pattern', {
  bad: { kind: 'invalid', message: (pattern: string) => `syntax error in pattern: ${pattern}` },
});

/** Whether a source has wildcards, and is not the name of one file. */
export const hasWildcards = (pattern: string): boolean => /[*?[\\]/.test(pattern);

/** `*` and `?` stop at `/`; the pattern has to match all of the path. Throws `pattern.bad`. */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const regex = compile(pattern, { doubleStars: false });
  return (path) => regex.test(path);
}

interface Rule {
  readonly regex: RegExp;
  readonly isException: boolean;
}

/**
 * Rules of which the last that matches decides; one that begins with `!` takes back. What matches a folder matches all
 * that is in it. spec: moby patternmatcher.
 */
export class PathPatterns {
  readonly #rules: readonly Rule[];

  /** Throws `pattern.bad` for a pattern that cannot be read, or `!` alone. */
  constructor(patterns: readonly string[]) {
    this.#rules = patterns.flatMap((text) => {
      const trimmed = text.trim();
      if (trimmed === '') return [];
      const isException = trimmed.startsWith('!');
      const clean = cleanPattern(isException ? trimmed.slice(1) : trimmed);
      if (clean === '') {
        if (isException) throw errors.bad(text);
        return [];
      }
      return [{ regex: compile(clean, { doubleStars: true }), isException }];
    });
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Whether anything can be taken back: a folder that matches may then hold what does not. */
  get hasExceptions(): boolean {
    return this.#rules.some(({ isException }) => isException);
  }

  /** Of a path, or a folder above it. */
  matches(path: string): boolean {
    const prefixes = path.split('/').map((_, index, names) => names.slice(0, index + 1).join('/'));
    let isMatched = false;
    for (const { regex, isException } of this.#rules) {
      if (isMatched === !isException) continue;
      if (prefixes.some((prefix) => regex.test(prefix))) isMatched = !isException;
    }
    return isMatched;
  }
}

/** compat: filepath.Clean, and no `/` at the ends. */
function cleanPattern(text: string): string {
  const names: string[] = [];
  for (const name of text.trim().split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..' && names.length > 0 && names.at(-1) !== '..') names.pop();
    else names.push(name);
  }
  return names.join('/');
}

function compile(pattern: string, { doubleStars }: { readonly doubleStars: boolean }): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at]!;
    if (doubleStars && pattern.startsWith('**', at)) {
      at += pattern[at + 2] === '/' ? 2 : 1;
      source += at === pattern.length - 1 ? '.*' : '(?:.*/)?';
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '\\') {
      at += 1;
      const next = pattern[at];
      if (next === undefined) throw errors.bad(pattern);
      source += literal(next);
    } else if (character === '[') {
      const found = characterClass(pattern, at);
      source += found.source;
      at = found.end;
    } else source += literal(character);
  }
  return new RegExp(`^${source}$`, 's');
}

/** `[a-z]`, `[^a-z]`, with `\` before what is meant as it is. */
function characterClass(pattern: string, start: number): { readonly source: string; readonly end: number } {
  let at = start + 1;
  const isNegated = pattern[at] === '^';
  if (isNegated) at += 1;
  let body = '';
  const one = (): string => {
    if (pattern[at] === '\\') at += 1;
    const character = pattern[at];
    if (character === undefined) throw errors.bad(pattern);
    at += 1;
    return character;
  };
  for (let count = 0; ; count += 1) {
    if (at >= pattern.length) throw errors.bad(pattern);
    if (pattern[at] === ']' && count > 0) break;
    if (pattern[at] === ']' || pattern[at] === '-') throw errors.bad(pattern);
    const low = one();
    if (pattern[at] !== '-') {
      body += unit(low);
      continue;
    }
    at += 1;
    if (pattern[at] === ']') throw errors.bad(pattern);
    const high = one();
    // A range the wrong way round holds nothing.
    if (low <= high) body += `${unit(low)}-${unit(high)}`;
  }
  if (body === '') return { source: isNegated ? '[^/]' : '(?!)', end: at };
  return { source: `(?!/)[${isNegated ? '^' : ''}${body}]`, end: at };
}

const unit = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const literal = (character: string): string => character.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
