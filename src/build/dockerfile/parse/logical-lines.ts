/**
 * Lines of a Dockerfile put together to instructions: continuations joined, comments taken out, heredocs attached.
 *
 * Pure. spec: Dockerfile reference, "Format"; compat: BuildKit's treatment of blank lines and comments in between.
 */
import type { SourceRange } from '../../graph.ts';
import { errors } from '../errors.ts';
import { parseError } from '../source-text.ts';
import { directiveOf } from './directives.ts';
import { heredocsOf, readBodies } from './heredoc.ts';
import type { Heredoc } from './instruction.ts';

export interface LogicalLine {
  readonly text: string;
  readonly range: SourceRange;
  readonly comments: readonly string[];
  readonly heredocs: readonly Heredoc[];
  /** Blank lines within, which a continuation should not have: the line they were noticed at. */
  readonly emptyContinuation: number | undefined;
}

/** Bytes of one line of the file. compat: what the buffer of Go's scanner holds. */
const MAX_LINE_BYTES = 65_535;

/** Throws with a place: `dockerfile.longLine`, `.openHeredoc`. */
export function* logicalLines(text: string, escape: string): Generator<LogicalLine> {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  // What comes after the last line feed is no line.
  if (lines.at(-1) === '') lines.pop();
  const reader = new LineReader(text, lines, escape);
  for (let line = reader.next(); line; line = reader.next()) yield line;
}

class LineReader {
  readonly #source: string;
  readonly #lines: readonly string[];
  readonly #continuation: RegExp;
  #at = 0;
  #comments: string[] = [];
  #isInDirectives = true;

  constructor(source: string, lines: readonly string[], escape: string) {
    this.#source = source;
    this.#lines = lines;
    const token = escape === '\\' ? '\\\\' : escape;
    // An escape character that is itself escaped does not continue the line.
    this.#continuation = new RegExp(`(?<!${token})${token}[ \\t]*$`);
  }

  next(): LogicalLine | undefined {
    while (this.#at < this.#lines.length) {
      const line = this.#physical().trimStart();
      const isShebang = this.#at === 1 && line.startsWith('#!');
      this.#isInDirectives &&= isShebang || directiveOf(line) !== undefined;
      // They are about the file, not about the instruction below.
      if (this.#isInDirectives) continue;
      if (line.startsWith('#')) {
        const comment = line.slice(1).trim();
        if (comment === '') this.#comments = [];
        else this.#comments.push(comment);
        continue;
      }
      if (line === '') {
        this.#comments = [];
        continue;
      }
      const instruction = this.#instruction(line);
      this.#comments = [];
      if (instruction.text.trim() !== '') return instruction;
    }
    return undefined;
  }

  #instruction(first: string): LogicalLine {
    const start = this.#at;
    let emptyContinuation = false;
    const parts = [first.replace(this.#continuation, '')];
    let isContinued = this.#continuation.test(first);
    while (isContinued && this.#at < this.#lines.length) {
      const line = this.#physical();
      const trimmed = line.trimStart();
      if (trimmed.startsWith('#')) continue;
      if (trimmed === '') {
        emptyContinuation = true;
        continue;
      }
      parts.push(line.replace(this.#continuation, ''));
      isContinued = this.#continuation.test(line);
    }
    const text = parts.join('');
    const heredocs = this.#heredocs(text, start);
    return {
      text,
      range: { start, end: this.#at },
      comments: this.#comments,
      heredocs: heredocs.list,
      emptyContinuation: emptyContinuation ? heredocs.textEnd : undefined,
    };
  }

  #heredocs(text: string, start: number): { list: Heredoc[]; textEnd: number } {
    const textEnd = this.#at;
    try {
      const { heredocs, next } = readBodies(this.#lines, this.#at, heredocsOf(text));
      this.#at = next;
      return { list: heredocs, textEnd };
    } catch (error) {
      throw parseError(error, this.#source, { start, end: this.#lines.length });
    }
  }

  /** The next line of the file, without a carriage return at its end. */
  #physical(): string {
    const line = this.#lines[this.#at]!;
    this.#at += 1;
    // A UTF-16 unit is at most three bytes.
    if (line.length * 3 > MAX_LINE_BYTES && Buffer.byteLength(line) > MAX_LINE_BYTES) {
      throw parseError(errors.longLine(MAX_LINE_BYTES), this.#source, { start: this.#at, end: this.#at });
    }
    return line.replace(/\r+$/, '');
  }
}
