/**
 * Patterns of ignore files, and of `--exclude`: Go's filepath.Match with `**` for any number of folders.
 *
 * Pure. All places a pattern can have come to are followed at once: no backtracking, so the time is bounded by the
 * lengths of path and pattern multiplied.
 */
import { errors } from './errors.ts';

type Token =
  | { readonly kind: 'char'; readonly char: string }
  /** `?` */
  | { readonly kind: 'one' }
  /** `*`: any but slashes. */
  | { readonly kind: 'star' }
  /** A double star at the end: anything. */
  | { readonly kind: 'rest' }
  /** A double star before the end: nothing, or anything up to a slash. */
  | { readonly kind: 'folders' }
  | { readonly kind: 'set'; readonly isNegated: boolean; readonly ranges: readonly (readonly [string, string])[] };

export interface Wildcard {
  matches(path: string): boolean;
}

/** Throws `pattern.bad`. */
export function compileWildcard(pattern: string): Wildcard {
  const tokens = tokensOf(pattern);
  if (tokens.every(({ kind }) => kind === 'char')) {
    const literal = tokens.map((token) => (token as { char: string }).char).join('');
    return { matches: (path) => path === literal };
  }
  return { matches: (path) => run(tokens, path) };
}

/** Whether a name has wildcards, escaped ones not counted. */
export function hasWildcards(name: string): boolean {
  return /[*?[]/.test(name.replace(/\\[^]/g, ''));
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at]!;
    if (char === '*' && chars[at + 1] === '*') {
      at += 1;
      if (chars[at + 1] === '/') at += 1;
      tokens.push({ kind: at + 1 >= chars.length ? 'rest' : 'folders' });
    } else if (char === '*') tokens.push({ kind: 'star' });
    else if (char === '?') tokens.push({ kind: 'one' });
    else if (char === '[') {
      const { token, end } = readSet(pattern, chars, at);
      tokens.push(token);
      at = end;
    } else if (char === '\\') {
      at += 1;
      const next = chars[at];
      if (next === undefined) throw errors.bad(pattern, 'syntax error in pattern');
      tokens.push({ kind: 'char', char: next });
    } else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

/** `[a-z]`, `[^a]`; `end` is where its bracket closes. */
function readSet(pattern: string, chars: readonly string[], start: number): { token: Token; end: number } {
  const fail = (): never => {
    throw errors.bad(pattern, 'syntax error in pattern');
  };
  const ranges: [string, string][] = [];
  let at = start + 1;
  const isNegated = chars[at] === '^';
  if (isNegated) at += 1;
  const character = (): string => {
    if (chars[at] === '\\') at += 1;
    const char = chars[at];
    if (char === undefined) return fail();
    at += 1;
    return char;
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    if (chars[at] === ']' || chars[at] === '-') fail();
    const low = character();
    let high = low;
    if (chars[at] === '-') {
      at += 1;
      if (chars[at] === ']') fail();
      high = character();
    }
    if (high < low) fail();
    ranges.push([low, high]);
  }
  return { token: { kind: 'set', isNegated, ranges }, end: at };
}

function run(tokens: readonly Token[], path: string): boolean {
  let places = new Set<number>();
  reach(tokens, 0, places);
  for (const char of path) {
    const next = new Set<number>();
    for (const place of places) {
      const token = tokens[place];
      if (!token) continue;
      if (token.kind === 'rest' || (token.kind === 'star' && char !== '/')) reach(tokens, place, next);
      else if (token.kind === 'folders') {
        // Within the folders; behind a slash also past them.
        next.add(place);
        if (char === '/') reach(tokens, place + 1, next);
      } else if (accepts(token, char)) reach(tokens, place + 1, next);
    }
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(tokens.length);
}

/** Adds a place, and those that need no character to come to. */
function reach(tokens: readonly Token[], place: number, places: Set<number>): void {
  let at = place;
  for (;;) {
    places.add(at);
    const kind = tokens[at]?.kind;
    if (kind !== 'star' && kind !== 'rest' && kind !== 'folders') return;
    at += 1;
  }
}

function accepts(token: Token, char: string): boolean {
  switch (token.kind) {
    case 'char':
      return token.char === char;
    case 'one':
      return char !== '/';
    case 'set':
      return char !== '/' && token.ranges.some(([low, high]) => low <= char && char <= high) !== token.isNegated;
    default:
      return false;
  }
}
