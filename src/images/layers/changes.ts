/**
 * What a container has changed in its root file system (compat: `docker diff`): from the upper folder of its overlay,
 * or by comparing two trees entry by entry.
 *
 * compat: Docker's words for it. A file is modified when its type, mode, owner, device number, size, time or capability
 * differ; a folder when its mode or owner do, or anything in it has changed. Of what is deleted only the top is told, of
 * what is added everything.
 */
import { type HostFacts, S_IF, type TreeEntry, type TreeReader, type WalkRecord } from '#linux';
import { openStack } from './tree.ts';

export interface Change {
  readonly kind: 'modified' | 'added' | 'deleted';
  /** Absolute, as the container sees it. */
  readonly path: string;
  /** The same as bytes, relative to the root. */
  readonly name: Buffer;
}

export interface ChangesRequest {
  /** The container's stack, topmost (its own folder) first. */
  readonly folders: readonly string[];
  /** The stack it began with, topmost first. */
  readonly lowers: readonly string[];
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram?: string;
}

/**
 * In the order of the tree, a folder before what is in it. Costs what has changed: only the container's own folder is
 * walked, and each path in it looked up below. A folder that was removed and made again hides what was in it without
 * naming it, so then both trees are compared. Throws the helper's `SyscallError`.
 */
export async function changesOf({ folders, lowers, ...where }: ChangesRequest): Promise<Change[]> {
  await using before = openStack({ ...where, folders: lowers });
  await using upper = openStack({ ...where, folders: folders.slice(0, 1) });
  if (await hidesFolder(upper, before)) {
    await using after = openStack({ ...where, folders });
    return await compareTrees(
      walkEntries(before.walk({ content: false })),
      walkEntries(after.walk({ content: false })),
    );
  }
  return await compareUpper(walkEntries(upper.walk({ content: false })), (path) => before.stat(path));
}

/**
 * Whether an opaque folder has taken another's place: one in the place of a file is opaque too. Reads to the end: the
 * reader answers one request after the other.
 */
async function hidesFolder(upper: TreeReader, below: TreeReader): Promise<boolean> {
  let found = false;
  for await (const entry of walkEntries(upper.walk({ content: false }))) {
    if (found || !isOpaque(entry)) continue;
    const old = await below.stat(entry.path);
    found = old !== undefined && isFolder(old);
  }
  return found;
}

/** The upper folder as overlayfs keeps it, without opaque folders, in the order of a walk, against what is below. */
export async function compareUpper(
  upper: AsyncIterable<TreeEntry>,
  lookUp: (path: Buffer) => Promise<TreeEntry | undefined>,
): Promise<Change[]> {
  const changes = new ChangeList();
  for await (const now of upper) {
    const old = await lookUp(now.path);
    if (isWhiteout(now)) {
      if (old) changes.deleted(now.path);
    } else if (!old) changes.added(now.path);
    else changes.both(old, now);
  }
  return changes.list();
}

const isWhiteout = ({ mode, devMajor, devMinor }: TreeEntry): boolean =>
  (mode & S_IF.MASK) === S_IF.CHR && devMajor === 0 && devMinor === 0;

const isOpaque = ({ xattrs }: TreeEntry): boolean =>
  xattrs.some(
    ([name, value]) => /^(?:trusted|user)\.overlay\.opaque$/.test(name.toString('latin1')) && value.toString() === 'y',
  );

/** What `compareTrees` takes, from a walk. */
export async function* walkEntries(records: AsyncIterable<WalkRecord>): AsyncGenerator<TreeEntry> {
  for await (const record of records) {
    if ((record.type === 'entry' || record.type === 'link') && record.entry.path.length > 0) yield record.entry;
  }
}

/** Both in the order of a walk: names in byte order, a folder before what is in it, without the root. */
export async function compareTrees(
  before: AsyncIterator<TreeEntry>,
  after: AsyncIterator<TreeEntry>,
): Promise<Change[]> {
  const changes = new ChangeList();
  let old = await next(before);
  let now = await next(after);
  while (old || now) {
    const order = !old ? 1 : !now ? -1 : comparePaths(old.path, now.path);
    if (order < 0) {
      changes.deleted(old!.path);
      old = await next(before);
    } else if (order > 0) {
      changes.added(now!.path);
      now = await next(after);
    } else {
      changes.both(old!, now!);
      [old, now] = [await next(before), await next(after)];
    }
  }
  return changes.list();
}

/** Collects changes in the order of the tree, with the folders above them. */
class ChangeList {
  readonly #changes: Change[] = [];
  /** Folders on both sides above the entry at hand that are not told yet. */
  readonly #folders: Place[] = [];
  /** What is below this path is told by it. */
  #covered: Place | undefined;

  deleted(name: Buffer): void {
    const at = placeOf(name);
    if (this.#isCovered(at)) return;
    this.#tell('deleted', at);
    this.#covered = at;
  }

  added(name: Buffer): void {
    this.#tell('added', placeOf(name));
  }

  /** The same path on both sides. */
  both(old: TreeEntry, now: TreeEntry): void {
    if (isFolder(old) && isFolder(now)) this.folder(now.path, differs(old, now));
    else if (differs(old, now)) this.modified(now.path, isFolder(old));
  }

  /** A folder that has become something else takes what was in it along. */
  modified(name: Buffer, wasFolder: boolean): void {
    const at = placeOf(name);
    this.#tell('modified', at);
    if (wasFolder) this.#covered = at;
  }

  folder(name: Buffer, isModified: boolean): void {
    const at = placeOf(name);
    if (isModified) this.#tell('modified', at);
    else this.#enter(at);
  }

  list(): Change[] {
    return this.#changes;
  }

  #tell(kind: Change['kind'], at: Place): void {
    this.#leave(at);
    for (const folder of this.#folders.splice(0)) this.#changes.push({ kind: 'modified', ...folder });
    this.#changes.push({ kind, ...at });
  }

  #enter(at: Place): void {
    this.#leave(at);
    this.#folders.push(at);
  }

  /** Folders the path is not in have been left without a change. */
  #leave(at: Place): void {
    while (this.#folders.length > 0 && !isBelow(at, this.#folders.at(-1)!)) this.#folders.pop();
  }

  #isCovered(at: Place): boolean {
    return this.#covered !== undefined && isBelow(at, this.#covered);
  }
}

type Place = Pick<Change, 'path' | 'name'>;

const placeOf = (name: Buffer): Place => ({ path: `/${name.toString()}`, name });

function isBelow({ name }: Place, folder: Place): boolean {
  const length = folder.name.length;
  return name.length > length && name[length] === SLASH && name.subarray(0, length).equals(folder.name);
}

function differs(old: TreeEntry, now: TreeEntry): boolean {
  if (old.mode !== now.mode || old.uid !== now.uid || old.gid !== now.gid) return true;
  if (old.devMajor !== now.devMajor || old.devMinor !== now.devMinor) return true;
  if (capabilityOf(old) !== capabilityOf(now)) return true;
  return !isFolder(old) && (old.size !== now.size || !isSameTime(old.mtimeNs, now.mtimeNs));
}

/** compat: a time without a fraction may have lost it in an archive. */
function isSameTime(a: bigint, b: bigint): boolean {
  if (a === b) return true;
  const second = 1_000_000_000n;
  return a / second === b / second && (a % second === 0n || b % second === 0n);
}

function capabilityOf({ xattrs }: TreeEntry): string {
  return xattrs.find(([name]) => name.toString('latin1') === 'security.capability')?.[1].toString('hex') ?? '';
}

/** By components, each in byte order: the order of a walk. A slash comes before every other byte. */
export function comparePaths(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    if (a[at] === b[at]) continue;
    return a[at] === SLASH ? -1 : b[at] === SLASH ? 1 : a[at]! - b[at]!;
  }
  return a.length - b.length;
}

const SLASH = 0x2f;
const isFolder = (entry: TreeEntry): boolean => (entry.mode & S_IF.MASK) === S_IF.DIR;

async function next(entries: AsyncIterator<TreeEntry>): Promise<TreeEntry | undefined> {
  const step = await entries.next();
  return step.done === true ? undefined : step.value;
}
