/**
 * Trees that steps copy from: what is in them, what it is by content, and its way into a folder that is being filled.
 *
 * All paths are byte strings (latin1) relative to the tree's root, without `/` at the ends; '' is the root.
 */
import { createHash } from 'node:crypto';
import { openStack } from '#images';
import { type HostFacts, S_IF, type TreeEntry, type TreeReader, type Unpacker } from '#linux';

/** One entry of a tree. */
export interface TreeItem {
  readonly path: string;
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Of a symlink. */
  readonly target: string;
  readonly xattrs: readonly (readonly [name: Buffer, value: Buffer])[];
}

/** Where an item goes, and as what. */
export interface Placement {
  readonly path: Buffer;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

export interface SourceTree extends AsyncDisposable {
  /** Nothing is followed. */
  stat(path: string): Promise<TreeItem | undefined>;
  /** What is in a folder, however deep, a folder before what is in it, in byte order of names. */
  below(path: string): AsyncGenerator<TreeItem>;
  /** The item and, if it is a folder, all in it, with what files hold: a digest, or '' of anything but a file. */
  contents(path: string): AsyncGenerator<readonly [item: TreeItem, digest: string]>;
  /** What a file holds. */
  content(path: string): AsyncGenerator<Buffer>;
  /** The open file `send` has the unpacker copy from, where that is possible. */
  descriptor(): Promise<number | undefined>;
  /** Puts the item and, if it is a folder, all in it, where `place` says; what has no place is left out. */
  send(path: string, unpacker: Unpacker, place: (item: TreeItem) => Placement | undefined): Promise<void>;
}

export const isFolder = ({ mode }: Pick<TreeItem, 'mode'>): boolean => (mode & S_IF.MASK) === S_IF.DIR;
export const isFile = ({ mode }: Pick<TreeItem, 'mode'>): boolean => (mode & S_IF.MASK) === S_IF.REG;
export const isLink = ({ mode }: Pick<TreeItem, 'mode'>): boolean => (mode & S_IF.MASK) === S_IF.LNK;

/** What symlinks of a tree lead to, for `resolvePath`. */
export async function readLink(tree: Pick<SourceTree, 'stat'>, path: string): Promise<string | undefined> {
  const item = await tree.stat(path);
  return item && isLink(item) ? item.target : undefined;
}

/** Whether this is no file of the tree but a note of overlayfs or of a security module. */
const isForeign = (name: Buffer): boolean =>
  /^(?:user|trusted)\.overlay\.|^security\.(?!capability$)/.test(name.toString('latin1'));

/** Tells the unpacker of an entry; a file's content has to follow, and its end. */
export function putEntry(unpacker: Unpacker, item: TreeItem, placement: Placement): void {
  const { path, ...attributes } = placement;
  const type = item.mode & S_IF.MASK;
  if (type === S_IF.SOCK) return;
  for (const [name, value] of item.xattrs) {
    if (!isForeign(name)) unpacker.xattr(name, value, { optional: name.toString() !== 'security.capability' });
  }
  if (type === S_IF.DIR) unpacker.dir(path, attributes);
  else if (type === S_IF.REG) unpacker.file(path, attributes, item.size);
  else if (type === S_IF.LNK) unpacker.symlink(path, Buffer.from(item.target, 'latin1'), attributes);
  else unpacker.node(path, { ...attributes, mode: attributes.mode | type }, item.devMajor, item.devMinor);
}

/** A tree with nothing in it. */
export const emptyTree: SourceTree = {
  descriptor: async () => undefined,
  stat: async (path) => (path === '' ? rootItem : undefined),
  below: async function* () {},
  contents: async function* (path) {
    if (path === '') yield [rootItem, ''];
  },
  content: async function* () {},
  send: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

/** Of a root nobody has described. */
export const rootItem: TreeItem = {
  path: '',
  mode: S_IF.DIR | 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 0n,
  devMajor: 0,
  devMinor: 0,
  target: '',
  xattrs: [],
};

export interface StackTreeOptions {
  /** Topmost first. */
  readonly folders: readonly string[];
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram: string;
}

/** The tree a stack of layers shows, read through the native helper. */
export function stackTree(options: StackTreeOptions): SourceTree {
  return options.folders.length === 0 ? emptyTree : new StackTree(options);
}

class StackTree implements SourceTree {
  readonly #options: StackTreeOptions;
  #reader: TreeReader | undefined;

  constructor(options: StackTreeOptions) {
    this.#options = options;
  }

  /** It shows a folder, and that is no file. */
  async descriptor(): Promise<undefined> {
    return undefined;
  }

  async stat(path: string): Promise<TreeItem | undefined> {
    const entry = await this.#open().stat(Buffer.from(path, 'latin1'));
    return entry && itemOf(entry, path);
  }

  async *below(path: string): AsyncGenerator<TreeItem> {
    for await (const record of this.#open().walk({ content: false, path: Buffer.from(path, 'latin1') })) {
      if ((record.type === 'entry' || record.type === 'link') && record.entry.path.length > 0) {
        yield itemOf(record.entry, join(path, record.entry.path));
      }
    }
  }

  async *contents(path: string): AsyncGenerator<readonly [TreeItem, string]> {
    const top = await this.stat(path);
    if (!top) return;
    const bytes = Buffer.from(path, 'latin1');
    const records = isFolder(top) ? this.#open().walk({ content: true, path: bytes }) : this.#open().read(bytes);
    const digests = new Map<string, string>();
    let item = top;
    let hash = createHash('sha256');
    for await (const record of records) {
      if (record.type === 'entry') {
        item = isFolder(top) ? itemOf(record.entry, join(path, record.entry.path)) : top;
        hash = createHash('sha256');
        if (!isFile(item)) yield [item, ''];
      } else if (record.type === 'data') hash.update(record.bytes);
      else if (record.type === 'hole') updateZeros(hash, record.length);
      else if (record.type === 'end') {
        const digest = hash.digest('hex');
        digests.set(item.path, digest);
        yield [item, digest];
      } else {
        const existing = digests.get(join(path, record.existing)) ?? '';
        yield [itemOf(record.entry, join(path, record.entry.path)), existing];
      }
    }
  }

  async *content(path: string): AsyncGenerator<Buffer> {
    let isWhole = false;
    try {
      for await (const record of this.#open().read(Buffer.from(path, 'latin1'))) {
        if (record.type === 'data') yield record.bytes;
        else if (record.type === 'hole') yield* zeros(record.length);
      }
      isWhole = true;
    } finally {
      // An answer that is not read to its end would be taken for that of the next request.
      if (!isWhole) {
        await this.#reader?.[Symbol.asyncDispose]();
        this.#reader = undefined;
      }
    }
  }

  async send(path: string, unpacker: Unpacker, place: (item: TreeItem) => Placement | undefined): Promise<void> {
    const top = await this.stat(path);
    if (!top) return;
    const bytes = Buffer.from(path, 'latin1');
    const records = isFolder(top) ? this.#open().walk({ content: true, path: bytes }) : this.#open().read(bytes);
    const placed = new Map<string, Buffer>();
    /** Further names of files that had no place themselves. */
    const orphans = new Map<string, [TreeItem, Placement][]>();
    let isPlaced = false;
    for await (const record of records) {
      if (record.type === 'entry') {
        const item = isFolder(top) ? itemOf(record.entry, join(path, record.entry.path)) : top;
        const placement = place(item);
        isPlaced = placement !== undefined;
        if (!placement) continue;
        placed.set(item.path, placement.path);
        putEntry(unpacker, item, placement);
      } else if (record.type === 'link') {
        const item = itemOf(record.entry, join(path, record.entry.path));
        const placement = place(item);
        const existing = join(path, record.existing);
        const first = placed.get(existing);
        if (placement && first) unpacker.link(placement.path, first);
        else if (placement) orphans.getOrInsertComputed(existing, () => []).push([item, placement]);
      } else if (isPlaced) {
        if (record.type === 'data') unpacker.data(record.bytes);
        else if (record.type === 'hole') unpacker.hole(record.length);
        else unpacker.end();
      }
      await unpacker.ready();
    }
    for (const [existing, names] of orphans) await this.#sendOrphan(existing, names, unpacker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader?.[Symbol.asyncDispose]();
  }

  async #sendOrphan(
    existing: string,
    [first, ...others]: readonly (readonly [TreeItem, Placement])[],
    unpacker: Unpacker,
  ): Promise<void> {
    if (!first) return;
    putEntry(unpacker, first[0], first[1]);
    for await (const record of this.#open().read(Buffer.from(existing, 'latin1'))) {
      if (record.type === 'data') unpacker.data(record.bytes);
      else if (record.type === 'hole') unpacker.hole(record.length);
      else if (record.type === 'end') unpacker.end();
      await unpacker.ready();
    }
    for (const [, placement] of others) unpacker.link(placement.path, first[1].path);
  }

  #open(): TreeReader {
    this.#reader ??= openStack(this.#options);
    return this.#reader;
  }
}

function itemOf(entry: TreeEntry, path: string): TreeItem {
  return { ...entry, path, target: entry.target.toString('latin1') };
}

function join(folder: string, name: Buffer): string {
  const text = name.toString('latin1');
  return folder === '' ? text : text === '' ? folder : `${folder}/${text}`;
}

const ZEROS = Buffer.alloc(256 * 1024);

/** What a hole reads as. */
export function* zeros(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

export function updateZeros(hash: { update(bytes: Buffer): unknown }, length: number): void {
  for (const piece of zeros(length)) hash.update(piece);
}
