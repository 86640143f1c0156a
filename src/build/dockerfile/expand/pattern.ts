/**
 * Patterns of variable modifiers (`${v#p}`, `${v%p}`, `${v/p/r}`): `*`, `?` and backslash, no sets.
 *
 * Pure. A pattern is cut at its stars into pieces of fixed length, which are found one after the other: no
 * backtracking, so the time is bounded by the lengths of value and pattern multiplied.
 */

/** One character, or undefined for any one. */
type Token = string | undefined;
type Piece = readonly Token[];

/** Without the shortest, or longest, beginning that matches. */
export function stripPrefix(value: string, pattern: string, isLongest: boolean): string {
  const chars = Array.from(value);
  const end = matchFrom(chars, 0, parsePieces(pattern), isLongest);
  return end === undefined ? value : chars.slice(end).join('');
}

/** Without the shortest, or longest, end that matches. */
export function stripSuffix(value: string, pattern: string, isLongest: boolean): string {
  const chars = Array.from(value).reverse();
  const pieces = parsePieces(pattern)
    .map((piece) => piece.toReversed())
    .reverse();
  const end = matchFrom(chars, 0, pieces, isLongest);
  return end === undefined ? value : chars.slice(end).reverse().join('');
}

/** With the first longest match, or all of them, replaced. */
export function replaceMatches(value: string, pattern: string, replacement: string, isEach: boolean): string {
  const pieces = parsePieces(pattern);
  if (pieces.length === 1 && pieces[0]!.length === 0) return value;
  const chars = Array.from(value);
  let result = '';
  let at = 0;
  for (;;) {
    const start = find(chars, pieces[0]!, at);
    const end = start === undefined ? undefined : matchFrom(chars, start, pieces, true);
    if (start === undefined || end === undefined) break;
    result += chars.slice(at, start).join('') + replacement;
    at = end;
    if (!isEach || at >= chars.length || end === start) break;
  }
  return result + chars.slice(at).join('');
}

function parsePieces(pattern: string): Piece[] {
  const pieces: Token[][] = [[]];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at]!;
    if (char === '*') {
      // Stars beside each other are one.
      if (pieces.length === 1 || pieces.at(-1)!.length > 0) pieces.push([]);
    } else if (char === '?') pieces.at(-1)!.push(undefined);
    else if (char === '\\' && at + 1 < chars.length) pieces.at(-1)!.push(chars[++at]);
    else pieces.at(-1)!.push(char);
  }
  return pieces;
}

/** Where the match that begins at `from` ends; undefined when there is none. */
function matchFrom(chars: string[], from: number, pieces: readonly Piece[], isLongest: boolean): number | undefined {
  const [first, ...rest] = pieces as [Piece, ...Piece[]];
  if (!fits(chars, first, from)) return undefined;
  let at = from + first.length;
  for (const [index, piece] of rest.entries()) {
    const isLast = index === rest.length - 1;
    const found = isLast && isLongest ? findLast(chars, piece, at) : find(chars, piece, at);
    if (found === undefined) return undefined;
    at = found + piece.length;
  }
  return at;
}

function find(chars: string[], piece: Piece, from: number): number | undefined {
  for (let at = from; at + piece.length <= chars.length; at += 1) if (fits(chars, piece, at)) return at;
  return undefined;
}

function findLast(chars: string[], piece: Piece, from: number): number | undefined {
  for (let at = chars.length - piece.length; at >= from; at -= 1) if (fits(chars, piece, at)) return at;
  return undefined;
}

function fits(chars: string[], piece: Piece, at: number): boolean {
  if (at + piece.length > chars.length) return false;
  return piece.every((token, index) => token === undefined || token === chars[at + index]);
}
