/** What a registry asks for with `WWW-Authenticate`. Pure. spec: RFC 9110, section 11. */

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACES = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/y;

/**
 * The challenges of a header's value, of which there may be several in one. What does not follow the grammar ends the
 * reading: a registry that writes nonsense after a challenge still has said that one.
 */
export function parseChallenges(header: string): Challenge[] {
  const found: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const scheme = take(TOKEN)?.[0];
    if (scheme === undefined) return found;
    const parameters = new Map<string, string>();
    found.push({ scheme: scheme.toLowerCase(), parameters });
    const afterScheme = at;
    take(SPACES);
    if (at === afterScheme) continue;
    // `Negotiate abc==` has one opaque value, which nobody here understands.
    const parametersAt = at;
    if (take(TOKEN68)) {
      if (!/^[^=]*$/.test(header.slice(parametersAt, at)) || !header.slice(at).trim().startsWith('=')) continue;
      at = parametersAt;
    }
    for (;;) {
      take(SEPARATORS);
      const before = at;
      const name = take(TOKEN)?.[0];
      if (name === undefined) break;
      take(SPACES);
      if (header[at] !== '=') {
        // No parameter but the next challenge's scheme.
        at = before;
        break;
      }
      at += 1;
      take(SPACES);
      const quoted = take(QUOTED);
      const value = quoted ? quoted[1]!.replace(/\\([^])/g, '$1') : take(TOKEN)?.[0];
      if (value === undefined) return found;
      parameters.set(name.toLowerCase(), value);
    }
  }
}
