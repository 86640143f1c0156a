/** Lists in the forms of `--format`: aligned table, JSON lines, or a template per row. */
import { CommandFailure, exitCode } from '../errors.ts';
import { htmlSafe } from './html-safe.ts';
import { formatTable } from './table.ts';
import { compileTemplate } from './template/template.ts';
import { type Template } from './template/template.ts';
import { TemplateError } from './template/syntax.ts';

export interface RowsOptions<Row> {
  /** As given with `--format`; empty: the default table. */
  readonly format: string;
  /** Only this field of each row, one per line; a format wins. */
  readonly quiet?: { readonly on: boolean; readonly field: keyof Row & string };
  /** Template of the default table: fields with tabs between. */
  readonly table: string;
  /** Column titles by field; methods of rows give the title for their argument. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** The whole list as text. Throws CommandFailure for a template that is wrong or names what rows do not have. */
export function formatRows<Row extends object>(rows: readonly Row[], options: RowsOptions<Row>): string {
  const { format, quiet } = options;
  if (format === '' && quiet?.on) return rows.map((row) => `${String(row[quiet.field])}\n`).join('');
  if (format === 'json') return rows.map((row) => `${jsonOf(row)}\n`).join('');
  const [, asTable, custom] = /^(table(?:\s+|$))?([^]*)$/.exec(format)!;
  const isTable = format === '' || asTable !== undefined;
  const source = (isTable ? custom || options.table : format).replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  return reportingTemplateErrors(() => {
    // A whole row is told as Docker tells it.
    const isWholeRow = /^\{\{\s*json \.\s*\}\}$/.test(source);
    const lines = isWholeRow ? rows.map(jsonOf) : rows.map(executor(compileTemplate(source)));
    if (!isTable) return lines.map((line) => `${line}\n`).join('');
    const titles = compileTemplate(source, { functions: titleFunctions }).execute(options.headers);
    return formatTable([titles, ...lines].map((line) => line.split('\t')));
  });
}

const executor =
  (template: Template) =>
  (row: object): string =>
    template.execute(row);

/** In a title line functions leave the titles alone. */
const titleFunctions = Object.fromEntries(
  ['json', 'lower', 'upper', 'title', 'truncate', 'split', 'join', 'pad'].map((name) => [
    name,
    (text: unknown) => text,
  ]),
);

/** compat: Docker's own JSON of a row has its keys in alphabetical order. */
function jsonOf(row: object): string {
  return htmlSafe(JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))));
}

/** The same words for a wrong template wherever one is used. */
export function reportingTemplateErrors<T>(run: () => T, code: number = exitCode.failed): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateError)
      throw new CommandFailure(`template parsing error: template: ${error.message}`, code);
    throw error;
  }
}
