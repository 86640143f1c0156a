/**
 * COPY and ADD: where each entry goes.
 *
 * compat: BuildKit's rules. A folder's contents are copied, not the folder; a target that is there and a folder, or ends with
 * `/`, is one; its symlinks are followed inside the root. A folder that is there keeps what it is when it is the target
 * itself, and gets the attributes of the source's below that.
 */
import { posix } from 'node:path';
import { resolvePath } from '#linux';
import { errors } from '../errors.ts';
import type { CopyAction } from '../graph.ts';
import { type Destination, makeAbove } from './destination.ts';
import { type ChangeMode, parseMode } from './mode.ts';
import type { OwnerIds } from './owner.ts';
import { excluder, type Selection, selectSources } from './select.ts';
import { isFolder, isLink, type Placement, putEntry, readLink, type SourceTree, type TreeItem } from './source-tree.ts';
import { unpackInto } from './unpack-source.ts';

interface Copying extends Destination {
  readonly action: CopyAction;
  readonly owner: OwnerIds | undefined;
  readonly changeMode: ChangeMode;
  /** Folders that were made here. */
  readonly made: Set<string>;
}

/** Throws as `applyFiles` does. */
export async function copyInto(
  destination: Destination,
  source: SourceTree,
  action: CopyAction,
  owner: OwnerIds | undefined,
): Promise<void> {
  const copying: Copying = { ...destination, action, owner, changeMode: parseMode(action.mode), made: new Set() };
  const selections = await selectSources(source, action);
  const isExcluded = excluder(action);
  const target = await targetOf(copying, selections);
  for (const selection of selections) {
    if (destination.signal.aborted) throw errors.cancelled();
    if (
      action.unpacks &&
      !selection.isFolder &&
      (await unpackInto(
        { ...copying, begin: () => makeFolders(copying, target.path, FOLDER) },
        source,
        selection.path,
        target.path,
        owner,
      ))
    ) {
      continue;
    }
    const parents = await keepParents(copying, selection, target.path);
    const base = await baseOf(copying, selection, { ...target, path: parents ?? target.path });
    const place = (item: TreeItem): Placement | undefined =>
      isExcluded(selection, item.path) ? undefined : placementOf(copying, selection, item, base);
    await source.send(selection.path, destination.unpacker, place);
  }
}

interface Target {
  readonly path: string;
  readonly isFolder: boolean;
}

/** The target with its symlinks followed, and whether sources go into it. */
async function targetOf({ action, below }: Copying, selections: readonly Selection[]): Promise<Target> {
  const { target } = action;
  const bytes = Buffer.from(target)
    .toString('latin1')
    .replace(/^\/+|\/+$/g, '');
  const path = action.isLinked
    ? posix.normalize(`/${bytes}`).slice(1)
    : await resolvePath(bytes, (at) => readLink(below, at), true);
  const there = await below.stat(path);
  const isWritten = target.endsWith('/') || action.keepsParents;
  if (there && !isFolder(there) && (isWritten || selections.some((each) => each.isFolder))) {
    throw errors.toNonFolder(target);
  }
  const isTree = isWritten || path === '' || (there !== undefined && isFolder(there));
  const files = selections.filter((each) => !each.isFolder).length;
  if (!isTree && (files > 1 || (files === 1 && selections.length > 1))) throw errors.manySources(target);
  return { path, isFolder: isTree };
}

/** Where the selected file, or what is in the selected folder, goes; folders up to there are made. */
async function baseOf(copying: Copying, selection: Selection, target: Target): Promise<string> {
  const { path } = target;
  const name = posix.basename(selection.name);
  if (selection.isFolder && copying.action.keepsParents) {
    const base = inFolder(path, name);
    await makeFolders(copying, path);
    return base;
  }
  if (selection.isFolder) {
    await makeFolders(copying, path);
    return path;
  }
  if (!target.isFolder) {
    await makeFolders(copying, posix.dirname(`/${path}`).slice(1));
    return path;
  }
  await makeFolders(copying, path);
  return inFolder(path, name);
}

/** The folder in which a selection with `--parents` goes; undefined without. */
async function keepParents(copying: Copying, { parents }: Selection, target: string): Promise<string | undefined> {
  if (!copying.action.keepsParents) return undefined;
  await makeFolders(copying, target);
  let folder = target;
  for (const parent of parents) {
    folder = inFolder(target, parent.path);
    if (copying.made.has(folder)) continue;
    copying.made.add(folder);
    putEntry(copying.unpacker, parent, attributed(copying, parent, folder));
  }
  return folder;
}

/** compat: with a mode in octal, folders that have to be made for the target get it as well. */
async function makeFolders(copying: Copying, path: string, mode = modeOfFolders(copying)): Promise<void> {
  const { below, unpacker, nowNs, made, owner } = copying;
  if (path === '' || made.has(path)) return;
  made.add(path);
  await makeAbove({ below, unpacker, nowNs }, `${path}/`, owner ?? { uid: 0, gid: 0 }, mode);
}

const FOLDER = 0o755;

const modeOfFolders = ({ action: { mode } }: Copying): number =>
  /^[0-7]+$/.test(mode) ? Number.parseInt(mode, 8) & 0o777 : FOLDER;

function placementOf(copying: Copying, selection: Selection, item: TreeItem, base: string): Placement | undefined {
  const isTop = item.path === selection.path;
  // The target itself stays as it is, or was made as a target is.
  if (isTop && selection.isFolder && !copying.action.keepsParents) return undefined;
  const rest = isTop ? '' : selection.path === '' ? item.path : item.path.slice(selection.path.length + 1);
  return attributed(copying, item, rest === '' ? base : inFolder(base, rest));
}

function attributed({ owner, changeMode }: Copying, item: TreeItem, path: string): Placement {
  const { uid, gid } = owner ?? item;
  const mode = isLink(item) ? item.mode & 0o7777 : changeMode(item.mode & 0o7777, isFolder(item));
  return { path: Buffer.from(path, 'latin1'), mode, uid, gid, mtimeNs: item.mtimeNs };
}

const inFolder = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
