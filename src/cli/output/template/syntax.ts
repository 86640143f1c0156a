/** What a parsed template consists of (the subset of Go's text/template that is supported). */

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with';
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'range'; readonly pipe: Pipe; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly kind: 'break' | 'continue' };

/** `$a, $b := first | second`: each command gets the result of the one before as its last argument. */
export interface Pipe {
  readonly variables: readonly string[];
  /** `=` sets variables that exist, `:=` makes new ones. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

/** A function with its arguments, or one value. */
export interface Command {
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'function'; readonly name: string }
  /** A value and the fields taken from it; `text` is how it was written, for errors. */
  | { readonly kind: 'chain'; readonly from: ChainStart; readonly fields: readonly string[]; readonly text: string };

export type ChainStart =
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe };

/** The template is wrong, or does not fit the value. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateError';
  }
}
