/** Lists of files as builds send them: what a path in one may be. spec: fsutil's packets, as BuildKit's clients speak them. */

/** Of names and facts: a list is kept whole. */
export const MAX_LISTED = 2_000_000;

/** Relative, without empty parts, `.` and `..`: it leads nowhere but inside. */
export function isListedPath(path: string): boolean {
  return (
    path !== '' && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0'))
  );
}

/** Component by component: `/` sorts below every other character, so a folder comes before what is in it. */
export function compareListed(a: string, b: string): number {
  const [x, y] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  return Buffer.compare(Buffer.from(x), Buffer.from(y));
}
