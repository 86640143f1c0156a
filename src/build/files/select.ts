/** What a copy takes: sources as written → entries of the tree they come from, wildcards and symlinks resolved. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { compileWildcard, hasWildcards, IgnoreMatcher } from '#base';
import { resolvePath } from '#linux';
import { errors } from '../errors.ts';
import type { CopyAction } from '../graph.ts';
import { isFolder, readLink, type SourceTree, type TreeItem } from './source-tree.ts';

export interface Selection {
  /** In the tree, without symlinks in it. */
  readonly path: string;
  /** As it was written or matched; where its name comes from. */
  readonly name: string;
  readonly isFolder: boolean;
  /** Folders that are kept of its path (`--parents`), as the tree has them, outermost first. */
  readonly parents: readonly TreeItem[];
}

/** Throws `build.notFound` for a source without wildcards that is not there, and `pattern.bad`. */
export async function selectSources(
  tree: SourceTree,
  action: Pick<CopyAction, 'sources' | 'keepsParents'>,
): Promise<Selection[]> {
  const selections: Selection[] = [];
  for (const source of action.sources) {
    const { pivot, path } = splitPivot(source, action.keepsParents);
    const written = hasWildcards(path) ? await matching(tree, path, action.keepsParents) : [bytes(path)];
    for (const name of written) {
      const found = await follow(tree, name);
      // compat: a broken symlink among many matches is passed over, one that was asked for is not.
      if (!found && hasWildcards(path)) continue;
      if (!found) throw errors.notFound(`/${text(name)}`);
      const parents = action.keepsParents ? await parentsOf(tree, name, pivot) : [];
      selections.push({ path: found.path, name, isFolder: isFolder(found), parents });
    }
  }
  return selections;
}

/** `a/./b/c`: with `--parents` only folders behind `./` are kept. */
function splitPivot(source: string, keepsParents: boolean): { readonly pivot: string; readonly path: string } {
  const at = keepsParents ? source.indexOf('/./') : -1;
  return { pivot: at < 0 ? '' : clean(source.slice(0, at)), path: clean(source) };
}

const clean = (path: string): string => posix.normalize(`/${path}`).replace(/\/$/, '').slice(1);
const bytes = (path: string): string => Buffer.from(path).toString('latin1');
const text = (path: string): string => Buffer.from(path, 'latin1').toString();

/** compat: a double star goes through folders only with `--parents`; elsewhere it is a star. */
async function matching(tree: SourceTree, written: string, isDeep: boolean): Promise<string[]> {
  const pattern = isDeep ? written : written.replaceAll(/\*{2,}/g, '*');
  const names = pattern.split('/');
  const first = names.findIndex(hasWildcards);
  const fixed = bytes(names.slice(0, first).join('/'));
  const folder = await resolvePath(fixed, (path) => readLink(tree, path), true);
  const wildcard = compileWildcard(names.slice(first).join('/'));
  const depth = pattern.includes('**') ? undefined : names.length - first;
  const found: string[] = [];
  const top = await tree.stat(folder);
  if (!top || !isFolder(top)) return found;
  for await (const { path } of tree.below(folder)) {
    const inside = folder === '' ? path : path.slice(folder.length + 1);
    if ((depth === undefined || inside.split('/').length === depth) && wildcard.matches(text(inside))) {
      found.push(fixed === '' ? inside : `${fixed}/${inside}`);
    }
  }
  return found;
}

async function follow(tree: SourceTree, name: string): Promise<TreeItem | undefined> {
  const path = await resolvePath(name, (at) => readLink(tree, at), true);
  return tree.stat(path);
}

async function parentsOf(tree: SourceTree, name: string, pivot: string): Promise<TreeItem[]> {
  const kept = bytes(pivot);
  const parents: TreeItem[] = [];
  for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
    const folder = name.slice(0, at);
    if (kept !== '' && (folder === kept || kept.startsWith(`${folder}/`))) continue;
    const item = await follow(tree, folder);
    if (item) parents.push({ ...item, path: kept === '' ? folder : folder.slice(kept.length + 1) });
  }
  return parents;
}

/** Whether an entry of a selected tree is left out. */
export function excluder(action: Pick<CopyAction, 'excludes'>): (selection: Selection, path: string) => boolean {
  const patterns = new IgnoreMatcher(action.excludes);
  if (patterns.isEmpty) return () => false;
  return (selection, path) => {
    if (path === selection.path) return !selection.isFolder && patterns.excludes(posix.basename(text(selection.name)));
    const inside = selection.path === '' ? path : path.slice(selection.path.length + 1);
    return patterns.excludes(text(inside));
  };
}

/** What a copy takes, by content: the same digest, the same result, whatever the times of files are. */
export async function contentDigest(tree: SourceTree, action: CopyAction): Promise<string> {
  const lines = new LineHash();
  const isExcluded = excluder(action);
  for (const selection of await selectSources(tree, action)) {
    for (const parent of selection.parents) lines.add(lineOf(parent, '', parent.path));
    lines.add(`${JSON.stringify([selection.name, selection.isFolder])}\n`);
    for await (const [item, digest] of tree.contents(selection.path)) {
      if (isExcluded(selection, item.path)) continue;
      const inside = item.path.slice(selection.path.length);
      lines.add(lineOf(item, digest, inside));
    }
  }
  return lines.digest();
}

/** Hashes short lines many at a time. */
class LineHash {
  readonly #hash = createHash('sha256');
  #text = '';

  add(line: string): void {
    this.#text += line;
    if (this.#text.length > 64 * 1024) this.#flush();
  }

  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#text);
    this.#text = '';
  }
}

/** Digest of one path and all that is in it, for mounts; '' when there is none. */
export async function pathDigest(tree: SourceTree, source: string): Promise<string> {
  const path = await resolvePath(bytes(clean(source)), (at) => readLink(tree, at), true);
  const lines = new LineHash();
  for await (const [item, digest] of tree.contents(path)) {
    lines.add(lineOf(item, digest, item.path.slice(path.length)));
  }
  return lines.digest();
}

function lineOf(item: TreeItem, digest: string, path: string): string {
  const { mode, uid, gid, devMajor, devMinor, target, xattrs } = item;
  const attributes = xattrs
    .map(([name, value]) => [name.toString('latin1'), value.toString('latin1')])
    .filter(([name]) => !/^(?:user|trusted)\.overlay\.|^security\.(?!capability$)/.test(name!));
  return `${JSON.stringify([path, mode, uid, gid, devMajor, devMinor, target, attributes, digest])}\n`;
}
