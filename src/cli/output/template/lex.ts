/** Template text → pieces of text and actions, and an action → tokens. */
import { TemplateError } from './syntax.ts';

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly line: number };

export interface Token {
  readonly kind: 'field' | 'dot' | 'variable' | 'word' | 'string' | 'number' | 'symbol';
  /** A field's or variable's name, a constant's value as text, the symbol itself. */
  readonly text: string;
  readonly spaceBefore: boolean;
}

/** Throws TemplateError for an action that does not end or holds what the language does not have. */
export function lex(source: string): Piece[] {
  const pieces: Piece[] = [];
  let trimNext = false;
  for (let at = 0; at <= source.length; ) {
    const open = source.indexOf('{{', at);
    let text = open < 0 ? source.slice(at) : source.slice(at, open);
    if (trimNext) text = text.trimStart();
    trimNext = false;
    const line = source.slice(0, Math.max(open, 0)).split('\n').length;
    const trimBefore = open >= 0 && /^\{\{-\s/.test(source.slice(open, open + 4));
    if (trimBefore) text = text.trimEnd();
    if (text !== '') pieces.push({ kind: 'text', text });
    if (open < 0) break;
    const start = open + (trimBefore ? 3 : 2);
    const comment = /^\s*\/\*[^]*?\*\/\s*?( ?-)?\}\}/.exec(source.slice(start));
    if (comment) {
      trimNext = comment[1] !== undefined;
      at = start + comment[0].length;
      continue;
    }
    const action = lexAction(source, start, line);
    pieces.push({ kind: 'action', tokens: action.tokens, line });
    trimNext = action.trims;
    at = action.end;
  }
  return pieces;
}

const TOKENS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['string', /"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])'/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['dot', /\./y],
  ['variable', /\$(?:[\p{L}_][\p{L}\p{N}_]*)?/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['symbol', /:=|[=|(),]/y],
];

function lexAction(source: string, start: number, line: number): { tokens: Token[]; end: number; trims: boolean } {
  const tokens: Token[] = [];
  for (let at = start; ; ) {
    const space = /\s*/y;
    space.lastIndex = at;
    const skipped = space.exec(source)![0].length;
    at += skipped;
    if (source.startsWith('}}', at)) return { tokens, end: at + 2, trims: false };
    if (skipped > 0 && source.startsWith('-}}', at)) return { tokens, end: at + 3, trims: true };
    const token = tokenAt(source, at);
    if (!token) {
      if (at >= source.length) throw new TemplateError(`:${line}: unclosed action`);
      const unclosed = /["`']/.test(source[at]!) ? 'unterminated quoted string' : undefined;
      throw new TemplateError(`:${line}: ${unclosed ?? `unexpected ${JSON.stringify(source[at])} in command`}`);
    }
    tokens.push({ kind: token.kind, text: meaning(token, line), spaceBefore: skipped > 0 || at === start });
    at += token.text.length;
  }
}

function tokenAt(source: string, at: number): { kind: Token['kind']; text: string } | undefined {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) return { kind, text: found[0] };
  }
  return undefined;
}

function meaning({ kind, text }: { kind: Token['kind']; text: string }, line: number): string {
  if (kind === 'field') return text.slice(1);
  if (kind !== 'string') return text;
  if (text.startsWith('`')) return text.slice(1, -1);
  const body = text
    .slice(1, -1)
    .replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/g, (_, escape: string) =>
      unescape(escape, line),
    );
  // compat: a character constant is a number in Go.
  return text.startsWith("'") ? String(body.codePointAt(0)) : body;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function unescape(escape: string, line: number): string {
  const simple = ESCAPES[escape];
  if (simple !== undefined) return simple;
  const code = /^[xuU]/.test(escape) ? Number.parseInt(escape.slice(1), 16) : Number.parseInt(escape, 8);
  if (Number.isNaN(code)) throw new TemplateError(`:${line}: unknown escape sequence \\${escape}`);
  return String.fromCodePoint(code);
}
