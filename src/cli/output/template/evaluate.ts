/** Runs a parsed template on a value. Objects are maps, functions in them are methods. */
import { functions, type TemplateFunction } from './functions.ts';
import { type Command, type Node, type Operand, type Pipe, TemplateError } from './syntax.ts';
import { entriesOf, isRecord, isTrue, printValue } from './values.ts';

export interface EvaluateOptions {
  /** Names of fields that hold maps with keys of the user's choice: a key that is missing is nothing, not an error. */
  readonly openMaps?: ReadonlySet<string> | undefined;
  /** Names of fields that are left out when there is nothing to say, with what they are then. */
  readonly absent?: ReadonlyMap<string, unknown> | undefined;
  /** How a field that is null is printed; absent: `<no value>`. */
  readonly nullText?: ((field: string) => string) | undefined;
  /** Instead of the functions of these names. */
  readonly functions?: Readonly<Record<string, TemplateFunction>> | undefined;
}

/** Throws TemplateError for a field that is not there, and for what a function refuses. */
export function evaluate(nodes: readonly Node[], data: unknown, options: EvaluateOptions = {}): string {
  const run = new Run(options);
  run.walk(nodes, data, new Scope(undefined, [['$', data]]));
  return run.output;
}

class Scope {
  readonly #outer: Scope | undefined;
  readonly #values: Map<string, unknown>;

  constructor(outer: Scope | undefined, values: readonly (readonly [string, unknown])[] = []) {
    this.#outer = outer;
    this.#values = new Map(values);
  }

  get(name: string): unknown {
    return this.#values.has(name) ? this.#values.get(name) : this.#outer?.get(name);
  }

  declare(name: string, value: unknown): void {
    this.#values.set(name, value);
  }

  assign(name: string, value: unknown): void {
    if (this.#values.has(name)) this.#values.set(name, value);
    else this.#outer?.assign(name, value);
  }
}

type Jump = 'break' | 'continue' | undefined;

class Run {
  output = '';
  readonly #options: EvaluateOptions;

  constructor(options: EvaluateOptions) {
    this.#options = options;
  }

  walk(nodes: readonly Node[], dot: unknown, scope: Scope): Jump {
    for (const node of nodes) {
      const jump = this.#node(node, dot, scope);
      if (jump) return jump;
    }
    return undefined;
  }

  #node(node: Node, dot: unknown, scope: Scope): Jump {
    switch (node.kind) {
      case 'text':
        this.output += node.text;
        return undefined;
      case 'action': {
        const value = this.#pipe(node.pipe, dot, scope);
        if (node.pipe.variables.length === 0) this.output += this.#shown(node.pipe, value);
        return undefined;
      }
      case 'if':
      case 'with': {
        const inner = new Scope(scope);
        const value = this.#pipe(node.pipe, dot, inner);
        if (!isTrue(value)) return this.walk(node.otherwise, dot, inner);
        return this.walk(node.body, node.kind === 'with' ? value : dot, inner);
      }
      case 'range':
        return this.#range(node, dot, scope);
      default:
        return node.kind;
    }
  }

  #range(node: Node & { kind: 'range' }, dot: unknown, scope: Scope): Jump {
    const { variables, assigns, commands } = node.pipe;
    const value = this.#pipe({ variables: [], assigns: false, commands }, dot, scope);
    const count = typeof value === 'number' && Number.isInteger(value) ? Math.max(0, value) : undefined;
    const entries =
      count === undefined ? entriesOf(value) : Array.from({ length: count }, (_, each) => [each, each] as const);
    if (!entries) throw new TemplateError(`range can't iterate over ${printValue(value)}`);
    if (entries.length === 0) return this.walk(node.otherwise, dot, new Scope(scope));
    for (const [key, each] of entries) {
      const inner = new Scope(scope);
      const [first, second] = variables;
      const set = (name: string, given: unknown): void =>
        assigns ? inner.assign(name, given) : inner.declare(name, given);
      if (first !== undefined) set(first, second === undefined ? each : key);
      if (second !== undefined) set(second, each);
      if (this.walk(node.body, each, inner) === 'break') break;
    }
    return undefined;
  }

  #pipe(pipe: Pipe, dot: unknown, scope: Scope): unknown {
    let value: unknown;
    for (const [index, command] of pipe.commands.entries()) {
      value = this.#command(command, dot, scope, index === 0 ? [] : [value]);
    }
    for (const name of pipe.variables) {
      if (pipe.assigns) scope.assign(name, value);
      else scope.declare(name, value);
    }
    return value;
  }

  #command({ operands }: Command, dot: unknown, scope: Scope, piped: readonly unknown[]): unknown {
    const [first, ...rest] = operands;
    const values = (): unknown[] => [...rest.map((operand) => this.#operand(operand, dot, scope, [])), ...piped];
    if (first!.kind === 'function') {
      const { name } = first!;
      if (name === 'and' || name === 'or') return this.#shortCircuit(name, rest, dot, scope, piped);
      return called(name, this.#function(name), values());
    }
    return this.#operand(first!, dot, scope, first!.kind === 'constant' ? [] : values());
  }

  /** The first operand that decides; those after it are not looked at. */
  #shortCircuit(
    name: 'and' | 'or',
    rest: readonly Operand[],
    dot: unknown,
    scope: Scope,
    piped: readonly unknown[],
  ): unknown {
    if (rest.length + piped.length === 0)
      throw new TemplateError(`wrong number of args for ${name}: want at least 1 got 0`);
    let value: unknown;
    for (const operand of rest) {
      value = this.#operand(operand, dot, scope, []);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #operand(operand: Operand, dot: unknown, scope: Scope, args: readonly unknown[]): unknown {
    switch (operand.kind) {
      case 'constant':
        return operand.value;
      case 'function':
        if (operand.name === 'and' || operand.name === 'or')
          throw new TemplateError(`wrong number of args for ${operand.name}: want at least 1 got 0`);
        return called(operand.name, this.#function(operand.name), []);
      default: {
        const { from } = operand;
        const start =
          from.kind === 'dot'
            ? dot
            : from.kind === 'variable'
              ? scope.get(from.name)
              : this.#pipe(from.pipe, dot, new Scope(scope));
        return this.#fields(start, operand, args);
      }
    }
  }

  #fields(start: unknown, { fields, text }: Operand & { kind: 'chain' }, args: readonly unknown[]): unknown {
    let value = start;
    for (const [index, name] of fields.entries()) {
      const owner = value;
      value = this.#field(owner, name, index === 0 ? undefined : fields[index - 1], text);
      if (typeof value === 'function') {
        const method = value as (...given: readonly unknown[]) => unknown;
        const given = index === fields.length - 1 ? args : [];
        value = called(name, (...all) => method.call(owner, ...all), [...given]);
        if (index === fields.length - 1) return value;
      }
    }
    if (args.length > 0) throw new TemplateError(`at <${text}>: it has arguments but is not a function`);
    return value;
  }

  #field(owner: unknown, name: string, ownerName: string | undefined, text: string): unknown {
    if (owner instanceof Map) return (owner as Map<string, unknown>).get(name);
    if (isRecord(owner)) {
      if (name in owner && !(name in Object.prototype)) return owner[name];
      if (ownerName !== undefined && this.#options.openMaps?.has(ownerName)) return undefined;
      if (this.#options.absent?.has(name)) return this.#options.absent.get(name);
      throw new TemplateError(`at <${text}>: map has no entry for key "${name}"`);
    }
    if (owner === null || owner === undefined) {
      throw new TemplateError(`at <${text}>: nil has no field ${name}`);
    }
    throw new TemplateError(
      `at <${text}>: can't evaluate field ${name} in ${Array.isArray(owner) ? 'a list' : `a ${typeof owner}`}`,
    );
  }

  #function(name: string): TemplateFunction {
    return this.#options.functions?.[name] ?? functions[name]!;
  }

  #shown(pipe: Pipe, value: unknown): string {
    if (value === undefined) return '<no value>';
    if (value !== null) return printValue(value);
    const only = pipe.commands.length === 1 ? pipe.commands[0]!.operands : [];
    const field = only.length === 1 && only[0]!.kind === 'chain' ? only[0]!.fields.at(-1) : undefined;
    return (field === undefined ? undefined : this.#options.nullText?.(field)) ?? '<no value>';
  }
}

function called(name: string, run: (...args: unknown[]) => unknown, args: unknown[]): unknown {
  try {
    return run(...args);
  } catch (error) {
    throw new TemplateError(`error calling ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
