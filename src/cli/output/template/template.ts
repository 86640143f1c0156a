/**
 * Templates of `--format`: the part of Go's text/template that such formats use. Fields, variables, pipelines, `if`,
 * `with`, `range`, comparisons, printf, and Docker's own functions; the rest is refused by name.
 */
import { type EvaluateOptions, evaluate } from './evaluate.ts';
import { parse } from './parse.ts';

export interface Template {
  /** Throws TemplateError. */
  execute(data: unknown): string;
}

/** Throws TemplateError. */
export function compileTemplate(source: string, options: EvaluateOptions = {}): Template {
  const nodes = parse(source);
  return { execute: (data) => evaluate(nodes, data, options) };
}
