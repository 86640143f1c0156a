/** Which paths of a context are left out. Pure. compat: the rules of moby's patternmatcher. */
import { errors } from './errors.ts';
import { cleanPath } from './parse-ignore.ts';
import { compileWildcard, hasWildcards, type Wildcard } from './wildcard.ts';

interface Rule {
  readonly isNegated: boolean;
  readonly wildcard: Wildcard;
  /** What every path it can match begins with. */
  readonly literalStart: string;
}

/** Folders whose verdicts are remembered, for walks; beyond that they are forgotten and found again. */
const MAX_FOLDERS = 10_000;

export class IgnoreMatcher {
  readonly #rules: readonly Rule[];
  /** Per folder, which rules match it or a folder it is in. */
  readonly #folders = new Map<string, readonly boolean[]>();

  /** Patterns as `parseIgnore` gives them. Throws `pattern.bad`. */
  constructor(patterns: readonly string[]) {
    this.#rules = patterns.flatMap((pattern) => ruleOf(pattern) ?? []);
  }

  /** Whether a path (relative, `a/b`) is left out; the root never is. Later rules win; a folder's content is as it is. */
  excludes(path: string): boolean {
    const clean = cleanPath(path).replace(/^\/+/, '');
    if (clean === '' || clean === '.') return false;
    return this.#verdict(this.#matchesOf(clean));
  }

  /** Whether something below a folder that is left out may be brought back: else a walk need not enter it. */
  mayIncludeBelow(folder: string): boolean {
    const clean = cleanPath(folder).replace(/^\/+/, '');
    return this.#rules.some(({ isNegated, literalStart }) => {
      if (!isNegated) return false;
      const below = `${clean}/`;
      return literalStart.startsWith(below) || below.startsWith(literalStart);
    });
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  #verdict(matches: readonly boolean[]): boolean {
    const last = matches.lastIndexOf(true);
    return last >= 0 && !this.#rules[last]!.isNegated;
  }

  #matchesOf(path: string): readonly boolean[] {
    const slash = path.lastIndexOf('/');
    const above = slash < 0 ? undefined : this.#folder(path.slice(0, slash));
    return this.#rules.map(({ wildcard, literalStart }, index) => {
      if (above?.[index]) return true;
      return path.startsWith(literalStart) && wildcard.matches(path);
    });
  }

  #folder(path: string): readonly boolean[] {
    const known = this.#folders.get(path);
    if (known) return known;
    const parts = path.split('/');
    let matches: readonly boolean[] = [];
    // From the top down, so that a deep path needs no deep recursion.
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join('/');
      const above = matches;
      matches =
        this.#folders.get(folder) ??
        this.#rules.map(({ wildcard, literalStart }, index) => {
          return above[index] === true || (folder.startsWith(literalStart) && wildcard.matches(folder));
        });
      if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear();
      this.#folders.set(folder, matches);
    }
    return matches;
  }
}

function ruleOf(text: string): Rule | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const isNegated = trimmed.startsWith('!');
  const written = isNegated ? trimmed.slice(1).trim() : trimmed;
  if (written === '') throw errors.bad(text, 'illegal exclusion pattern: "!"');
  const pattern = cleanPath(written).replace(/^\/(?=.)/, '');
  return { isNegated, wildcard: compileWildcard(pattern), literalStart: literalStart(pattern) };
}

function literalStart(pattern: string): string {
  if (pattern.includes('\\')) return '';
  return hasWildcards(pattern) ? /^[^*?[]*/.exec(pattern)![0] : pattern;
}
