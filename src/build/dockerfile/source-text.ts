/** Where in a Dockerfile something is, and what stands there: for errors and warnings. */
import { SkiffError } from '#base';
import type { SourceRange } from '../graph.ts';

/** Lines shown before and after the ones in question. */
const AROUND = 2;
/** Of an instruction with a long heredoc only the beginning is shown, and so of a long line. */
const MAX_LINES = 20;
const MAX_CHARACTERS = 500;

/**
 * The lines of a range with those around them, numbered, the range's marked with `>>>`.
 * compat: the box BuildKit's clients print.
 */
export function excerpt(text: string, { start, end }: SourceRange, fileName = 'Dockerfile'): string {
  const lines = text.split(/\r?\n/);
  const first = Math.max(1, start - AROUND);
  const last = Math.min(lines.length, end + AROUND, start + MAX_LINES);
  const shown = lines.slice(first - 1, last).map((line, index) => {
    const number = first + index;
    const mark = number >= start && number <= end ? '>>>' : '   ';
    const part = line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}…` : line;
    return `${String(number).padStart(4)} | ${mark} ${part}`.trimEnd();
  });
  const rule = '-'.repeat(20);
  return [`${fileName}:${start}`, rule, ...shown, rule].join('\n');
}

/** The same error, saying the lines in its details (`line`, `endLine`, `excerpt`) unless it already does. */
export function located(error: unknown, text: string, range: SourceRange): unknown {
  if (!(error instanceof SkiffError) || 'line' in error.details) return error;
  return withDetails(error, error.message, text, range);
}

/** Refused while lines are read, before there are instructions. compat: BuildKit tells only the others with their line. */
const OF_LINES = new Set(
  ['noEquals', 'noValue', 'notStrings', 'openHeredoc', 'longLine', 'repeatedDirective', 'badEscape', 'noStage'].map(
    (name) => `dockerfile.${name}`,
  ),
);

/** As `located`, and in front of the message of a malformed instruction its line. */
export function parseError(error: unknown, text: string, range: SourceRange): unknown {
  if (!(error instanceof SkiffError) || 'line' in error.details) return error;
  if (OF_LINES.has(error.code)) return located(error, text, range);
  return withDetails(error, `dockerfile parse error on line ${range.start}: ${error.message}`, text, range);
}

function withDetails(error: SkiffError, message: string, text: string, range: SourceRange): SkiffError {
  const { kind, code, details, cause } = error;
  return new SkiffError(kind, code, message, {
    ...(cause === undefined ? {} : { cause }),
    details: { ...details, line: range.start, endLine: range.end, excerpt: excerpt(text, range) },
  });
}
