/** What a repository's list of references says of a branch, a tag or a commit somebody asks for. Pure. */

export interface FoundReference {
  /** The commit's id. */
  readonly commit: string;
  /** The reference in full, such as `refs/heads/main`; undefined for a commit asked for by its id. */
  readonly name: string | undefined;
}

/** A whole commit's id, of SHA-1 or SHA-256. */
export const isCommitId = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/**
 * Whether git takes it for a name: nothing that is an option, a pattern or two references.
 * spec: git-check-ref-format(1).
 */
export function isReferenceName(text: string): boolean {
  return !/^-|\.\.|[\0-\x20\x7f~^:?*[\\]|@\{|\/\/|^\/|\/$|\.$|\.lock$/.test(text);
}

/** What `git ls-remote` is asked for: the name and what a tag of it points to. */
export function patternsOf(ref: string): string[] {
  return ref === '' ? ['HEAD'] : [ref, `${ref}^{}`];
}

/**
 * Lines of `git ls-remote` → the reference that is meant. compat: BuildKit's order, which is git checkout's: the name in full,
 * then a branch, then a tag; of a tag that is an object of its own the commit it points to.
 */
export function findReference(lines: string, ref: string): FoundReference | undefined {
  const ids = new Map<string, string>();
  for (const line of lines.split('\n')) {
    const [id = '', name = ''] = line.trim().split('\t');
    if (isCommitId(id) && name !== '') ids.set(name, id);
  }
  const asked = ref === '' ? 'HEAD' : ref;
  for (const name of [asked, `refs/heads/${asked}`, `refs/tags/${asked}`, `refs/${asked}`]) {
    const commit = ids.get(`${name}^{}`) ?? ids.get(name);
    if (commit !== undefined) return { commit, name };
  }
  return undefined;
}
