/** Tokens → syntax. What the subset leaves out is refused here, by name. */
import { functions, leftOut } from './functions.ts';
import { lex, type Piece, type Token } from './lex.ts';
import { type ChainStart, type Command, type Node, type Operand, type Pipe, TemplateError } from './syntax.ts';

/** Throws TemplateError for anything that is not a template of the supported subset. */
export function parse(source: string): Node[] {
  const parser = new Parser(lex(source));
  return parser.top();
}

const KEYWORDS = ['if', 'else', 'end', 'range', 'with', 'break', 'continue', 'define', 'template', 'block'];

class Parser {
  readonly #pieces: readonly Piece[];
  #at = 0;
  /** Names of the variables in scope; blocks drop theirs at their end. */
  #variables: string[] = ['$'];
  #ranges = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  top(): Node[] {
    const { nodes, ended } = this.#list();
    if (ended) throw fail(ended.line, `unexpected {{${ended.word}}}`);
    return nodes;
  }

  /** Nodes up to an `else`, an `end`, or the end of the template. */
  #list(): { nodes: Node[]; ended?: { word: 'else' | 'end'; rest: readonly Token[]; line: number } } {
    const nodes: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at]!;
      this.#at += 1;
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const { tokens, line } = piece;
      const [first, ...rest] = tokens;
      if (!first) throw fail(line, 'missing value for command');
      const word = first.kind === 'word' ? first.text : '';
      if (word === 'else' || word === 'end') {
        if (word === 'end' && rest.length > 0) throw unexpected(rest[0]!, line, 'end');
        return { nodes, ended: { word, rest, line } };
      }
      nodes.push(KEYWORDS.includes(word) ? this.#control(word, rest, line) : this.#action(tokens, line));
    }
    return { nodes };
  }

  #action(tokens: readonly Token[], line: number): Node {
    const reader = new TokenReader(tokens, line);
    const pipe = this.#pipe(reader, 'command');
    reader.expectEnd('command');
    return { kind: 'action', pipe };
  }

  #control(word: string, rest: readonly Token[], line: number): Node {
    if (word === 'if' || word === 'with' || word === 'range') return this.#block(word, rest, line);
    if (word === 'break' || word === 'continue') {
      if (rest.length > 0) throw unexpected(rest[0]!, line, word);
      if (this.#ranges === 0) throw fail(line, `{{${word}}} outside {{range}}`);
      return { kind: word };
    }
    throw fail(line, `{{${word}}} is not in Skiff's templates: write it out where it is used`);
  }

  #block(kind: 'if' | 'with' | 'range', tokens: readonly Token[], line: number): Node {
    const scope = [...this.#variables];
    const reader = new TokenReader(tokens, line);
    const pipe = this.#pipe(reader, kind);
    reader.expectEnd(kind);
    if (kind === 'range') this.#ranges += 1;
    const { nodes: body, ended } = this.#list();
    if (kind === 'range') this.#ranges -= 1;
    if (!ended) throw fail(line, 'unexpected EOF');
    const otherwise = ended.word === 'else' ? this.#otherwise(kind, ended) : [];
    this.#variables = scope;
    return { kind, pipe, body, otherwise };
  }

  /** What follows `else`: up to `end`, or another `if` or `with` that shares the `end`. */
  #otherwise(kind: 'if' | 'with' | 'range', ended: { rest: readonly Token[]; line: number }): Node[] {
    const [next, ...rest] = ended.rest;
    if (next) {
      if (next.kind !== 'word' || next.text !== kind || kind === 'range') throw unexpected(next, ended.line, 'else');
      return [this.#block(kind, rest, ended.line)];
    }
    const { nodes, ended: last } = this.#list();
    if (!last) throw fail(ended.line, 'unexpected EOF');
    if (last.word !== 'end') throw fail(last.line, 'expected end; found {{else}}');
    return nodes;
  }

  #pipe(reader: TokenReader, context: string): Pipe {
    const { variables, assigns } = this.#declaration(reader, context);
    const commands: Command[] = [];
    do {
      const command = this.#command(reader, context);
      if (commands.length > 0 && command.operands[0]!.kind === 'constant') {
        throw fail(reader.line, `non executable command in pipeline stage ${commands.length + 1}`);
      }
      commands.push(command);
    } while (reader.take('|'));
    if (!assigns) this.#variables.push(...variables);
    return { variables, assigns, commands };
  }

  #declaration(reader: TokenReader, context: string): { variables: string[]; assigns: boolean } {
    const start = reader.at;
    const variables: string[] = [];
    while (reader.peek()?.kind === 'variable') {
      variables.push(reader.next()!.text);
      if (reader.take(':=')) return { variables, assigns: false };
      if (variables.length === 1 && reader.take('=')) {
        if (!this.#variables.includes(variables[0]!)) throw fail(reader.line, `undefined variable "${variables[0]}"`);
        return { variables, assigns: true };
      }
      if (context !== 'range' || variables.length === 2 || !reader.take(',')) break;
    }
    reader.at = start;
    return { variables: [], assigns: false };
  }

  #command(reader: TokenReader, context: string): Command {
    const operands: Operand[] = [];
    for (;;) {
      const token = reader.peek();
      if (!token || (token.kind === 'symbol' && token.text !== '(')) break;
      operands.push(this.#operand(reader, context));
    }
    if (operands.length === 0) throw fail(reader.line, `missing value for ${context}`);
    const [first] = operands;
    if (operands.length > 1 && first!.kind === 'constant') {
      throw fail(reader.line, 'a constant cannot be given arguments');
    }
    return { operands };
  }

  #operand(reader: TokenReader, context: string): Operand {
    const token = reader.next()!;
    switch (token.kind) {
      case 'string':
        return { kind: 'constant', value: token.text };
      case 'number':
        return { kind: 'constant', value: Number(token.text) };
      case 'word':
        return this.#word(token.text, reader.line);
      case 'dot':
        return chain({ kind: 'dot' }, [], '.');
      case 'field': {
        const fields = [token.text, ...reader.fields()];
        return chain({ kind: 'dot' }, fields, `.${fields.join('.')}`);
      }
      case 'variable': {
        if (!this.#variables.includes(token.text)) throw fail(reader.line, `undefined variable "${token.text}"`);
        const fields = reader.fields();
        return chain({ kind: 'variable', name: token.text }, fields, [token.text, ...fields].join('.'));
      }
      default: {
        const pipe = this.#pipe(reader, 'parenthesized pipeline');
        if (!reader.take(')')) throw fail(reader.line, `unclosed left paren in ${context}`);
        const fields = reader.fields();
        return chain({ kind: 'pipe', pipe }, fields, ['(…)', ...fields].join('.'));
      }
    }
  }

  #word(word: string, line: number): Operand {
    if (word === 'true' || word === 'false') return { kind: 'constant', value: word === 'true' };
    if (word === 'nil') return { kind: 'constant', value: null };
    if (Object.hasOwn(functions, word) || word === 'and' || word === 'or') return { kind: 'function', name: word };
    if (leftOut.includes(word)) throw fail(line, `function "${word}" is not in Skiff's templates`);
    throw fail(line, `function "${word}" not defined`);
  }
}

class TokenReader {
  readonly line: number;
  at = 0;
  readonly #tokens: readonly Token[];

  constructor(tokens: readonly Token[], line: number) {
    this.#tokens = tokens;
    this.line = line;
  }

  peek(): Token | undefined {
    return this.#tokens[this.at];
  }

  next(): Token | undefined {
    this.at += 1;
    return this.#tokens[this.at - 1];
  }

  take(symbol: string): boolean {
    const token = this.peek();
    if (token?.kind !== 'symbol' || token.text !== symbol) return false;
    this.at += 1;
    return true;
  }

  /** Fields that follow without a space between. */
  fields(): string[] {
    const found: string[] = [];
    for (let token = this.peek(); token?.kind === 'field' && !token.spaceBefore; token = this.peek()) {
      found.push(token.text);
      this.at += 1;
    }
    return found;
  }

  expectEnd(context: string): void {
    const token = this.peek();
    if (token) throw unexpected(token, this.line, context);
  }
}

const chain = (from: ChainStart, fields: readonly string[], text: string): Operand => ({
  kind: 'chain',
  from,
  fields,
  text,
});

const fail = (line: number, message: string): TemplateError => new TemplateError(`:${line}: ${message}`);

const unexpected = (token: Token, line: number, context: string): TemplateError =>
  fail(line, `unexpected <${token.text}> in ${context}`);
