/** `.dockerignore`: lines to patterns. Pure. compat: BuildKit's clean-up of each line. */
import { posix } from 'node:path';

/** In their order; `!` in front of those that bring back. What is malformed is refused by `IgnoreMatcher`. */
export function parseIgnore(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(cleanPattern);
}

/** The path of an ignore file for a Dockerfile: beside it first, then the context's own. */
export function ignoreFileNames(dockerfile: string): string[] {
  return [`${dockerfile}.dockerignore`, '.dockerignore'];
}

function cleanPattern(line: string): string {
  const isNegated = line.startsWith('!');
  const pattern = isNegated ? line.slice(1).trim() : line;
  if (pattern === '') return isNegated ? '!' : '';
  const clean = cleanPath(pattern);
  const relative = clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean;
  return isNegated ? `!${relative}` : relative;
}

/** Go's filepath.Clean: no `.` or `..` within, no slash at the end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
