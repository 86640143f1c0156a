/**
 * What a Dockerfile says about itself before anything else: `# syntax=`, `# escape=`, `# check=`.
 *
 * Pure. spec: Dockerfile reference, "Parser directives".
 */
import { errors } from '../errors.ts';

export interface Directives {
  /** The front end image asked for; undefined for none. */
  readonly syntax: string | undefined;
  readonly escape: '\\' | '`';
  /** Settings of the linter; undefined when not said. */
  readonly check: string | undefined;
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const KNOWN = ['syntax', 'escape', 'check'];

/** `lines` without a byte order mark. Throws `dockerfile.repeatedDirective`, `.badEscape`, with the line of each. */
export function readDirectives(lines: readonly string[], fail: (error: Error, line: number) => never): Directives {
  const found = new Map<string, string>();
  const isScript = lines[0]?.startsWith('#!') ?? false;
  for (const [index, line] of lines.entries()) {
    if (index === 0 && isScript) continue;
    const directive = directiveOf(line);
    if (!directive) break;
    const { name, value } = directive;
    if (found.has(name)) fail(errors.repeatedDirective(name), index + 1);
    if (name === 'escape' && value !== '\\' && value !== '`') fail(errors.badEscape(value), index + 1);
    found.set(name, value);
  }
  return {
    syntax: found.get('syntax') ?? foreignSyntax(lines.slice(isScript ? 1 : 0)),
    escape: found.get('escape') === '`' ? '`' : '\\',
    check: found.get('check'),
  };
}

/** What a line at the top says; undefined for any other line. */
export function directiveOf(line: string): { name: string; value: string } | undefined {
  const [, word = '', value = ''] = DIRECTIVE.exec(line.trimStart()) ?? [];
  const name = word.toLowerCase();
  return KNOWN.includes(name) ? { name, value } : undefined;
}

/** compat: a front end of another language may be named in its own comments, or in a JSON object. */
function foreignSyntax(lines: readonly string[]): string | undefined {
  const [, slashes] = /^\/\/\s*syntax\s*=\s*(.+?)\s*$/i.exec(lines[0] ?? '') ?? [];
  if (slashes !== undefined) return slashes;
  if (!lines[0]?.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(lines.join('\n'));
    const syntax = (value as { syntax?: unknown }).syntax;
    return typeof syntax === 'string' ? syntax : undefined;
  } catch {
    return undefined;
  }
}
