/**
 * From the entries of an archive to records of the unpacker: what a layer may hold, and how it is put down for overlayfs.
 *
 * spec: OCI image-spec, layer.md, "Whiteouts". `.wh.NAME` hides NAME of the layers below, never what this layer itself
 * holds, in whatever order they come: it becomes a 0:0 character device, or makes the folder of that name opaque.
 * `.wh..wh..opq` makes its folder opaque.
 *
 * compat: paths are cleaned as Docker does, and what leads out of the root by its own name is refused, not clamped.
 */
import { type FileAttributes, S_IF, type Unpacker } from '#linux';
import { type ByteString, bytesOf, insidePath, shown, type TarEntry, type TarSink } from '#wire';
import { errors } from '../errors.ts';
import { hostIdOf, type IdMap, type IdRange } from './id-map.ts';
import { parentOf, PlacedPaths } from './placed-paths.ts';

export interface LayerSinkOptions {
  /**
   * `translated` into what overlayfs takes; `kept` as files of these names where that cannot be (merged-tree.ts);
   * `refused` for the tar of a root file system, which hides nothing.
   */
  readonly whiteouts: 'translated' | 'kept' | 'refused';
  /** Content is copied by the helper out of the archive's file, by its place there, instead of sent to it. */
  readonly copies?: boolean;
  /** Owners on the host for those of the archive; without it they are the same. */
  readonly idMap?: IdMap;
  /** What overlayfs takes marks from: `user` where it is mounted in a user namespace. */
  readonly markPrefix?: 'trusted' | 'user';
}

export interface HardLink {
  readonly path: string;
  readonly existing: string;
}

const WHITEOUT = '.wh.';
/** compat: names AUFS kept its own books under; `.wh..wh.opq` is the only one that means something. */
const BOOKS = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';
const YES = Buffer.from('y');
const FOLDER_DEFAULTS: FileAttributes = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n };

/** A sink that fills a folder. Await the unpacker's `ready` between pushes. */
export class LayerSink implements TarSink {
  readonly #unpacker: Unpacker;
  readonly #options: LayerSinkOptions;
  readonly #placed = new PlacedPaths();
  readonly #links = new Map<number, HardLink>();
  /** The content that follows is of an entry that was only a mark. */
  #isSkipping = false;
  /** compat: what Docker adds up: files and targets of symlinks; hard links count once. */
  sizeBytes = 0;
  /** Whether the archive describes the root folder. */
  givesRoot = false;
  /** Whether the root is opaque: overlayfs does not look for the mark there, the stack has to be cut. */
  hidesBelow = false;

  constructor(unpacker: Unpacker, options: LayerSinkOptions) {
    this.#unpacker = unpacker;
    this.#options = options;
  }

  /** Folders of which the archive said nothing but what is in them. */
  get impliedFolders(): string[] {
    return this.#placed.impliedFolders();
  }

  /** The hard link that was this record of the unpacker. */
  linkOf(record: number): HardLink {
    return this.#links.get(record)!;
  }

  /** Throws `image.forbiddenEntry`, `image.tooManyFolders`. */
  entry(entry: TarEntry): void {
    const path = pathInRoot(entry.path, entry);
    this.#isSkipping = false;
    refuseOverlayMarks(entry);
    if (isMark(path)) return this.#mark(path, entry);
    if (entry.type === 'hard-link') return this.#link(path, entry);
    if (path === '' && entry.type !== 'directory') throw refuse(entry, 'only a folder can be the root');
    this.#parentsOf(path);
    for (const [name, value] of entry.xattrs) {
      // A file system that has no such attributes is no reason to fail, but a program that loses its rights is.
      this.#unpacker.xattr(bytesOf(name), value, { optional: name !== 'security.capability' });
    }
    this.#make(path, entry);
  }

  data(bytes: Buffer, offset: number): void {
    if (this.#isSkipping) return;
    if (this.#options.copies === true) this.#unpacker.copy(offset, bytes.length);
    else this.#unpacker.data(bytes);
  }

  hole(length: number): void {
    if (!this.#isSkipping) this.#unpacker.hole(length);
  }

  end(): void {
    if (!this.#isSkipping) this.#unpacker.end();
    this.#isSkipping = false;
  }

  #make(path: string, entry: TarEntry): void {
    const { type, devMajor, devMinor } = entry;
    const bytes = pathBytes(path);
    const attributes = this.#attributesOf(entry);
    switch (type) {
      case 'directory':
        return this.#folder(path, attributes);
      case 'symlink':
        this.sizeBytes += entry.linkPath.length;
        this.#placed.symlink(path);
        return this.#unpacker.symlink(bytes, bytesOf(entry.linkPath), attributes);
      case 'file':
        this.sizeBytes += entry.size;
        this.#placed.other(path);
        return this.#unpacker.file(bytes, attributes, entry.size);
      case 'character-device':
      case 'block-device':
      case 'fifo':
        this.#placed.other(path);
        return void this.#unpacker.node(bytes, withType(attributes, TYPE_BITS[type]), devMajor, devMinor);
      case 'hard-link':
        return undefined;
    }
  }

  #folder(path: string, attributes: FileAttributes): void {
    if (path === '') this.givesRoot = true;
    if (this.#placed.isWhiteout(path) && this.#options.whiteouts === 'translated') this.#opaqueMark();
    this.#placed.folder(path);
    this.#unpacker.dir(pathBytes(path), attributes);
  }

  #link(path: string, entry: TarEntry): void {
    const existing = pathInRoot(entry.linkPath, entry);
    if (isMark(existing)) throw refuse(entry, `it links to ${shown(entry.linkPath)}, which marks a removed file`);
    if (path === '') throw refuse(entry, 'only a folder can be the root');
    this.#parentsOf(path);
    this.#placed.other(path);
    const isOptional = this.#options.whiteouts !== 'refused';
    const record = this.#unpacker.link(pathBytes(path), pathBytes(existing), { leaveOut: isOptional });
    if (isOptional) this.#links.set(record, { path, existing });
  }

  /** Folders above that stand as whiteouts turn into opaque folders; missing ones the unpacker makes by itself. */
  #parentsOf(path: string): void {
    for (const folder of this.#placed.implyAbove(path)) {
      if (!this.#placed.isStanding(folder)) continue;
      this.#opaqueMark();
      this.#placed.impliedFolder(folder);
      this.#unpacker.dir(pathBytes(folder), this.#attributesOf(FOLDER_DEFAULTS));
    }
  }

  #mark(path: string, entry: TarEntry): void {
    if (this.#options.whiteouts === 'refused') {
      throw refuse(entry, "names that begin with '.wh.' mark removed files of layers; a root file system has none");
    }
    const isKept = this.#options.whiteouts === 'kept';
    this.#isSkipping = !isKept;
    const folder = parentOf(path);
    const name = path.slice(folder === '' ? 0 : folder.length + 1);
    if (isBook(folder, name)) {
      this.#isSkipping = true;
      return undefined;
    }
    if (`/${folder}`.includes(`/${WHITEOUT}`)) throw refuse(entry, 'it is below a name that marks a removed file');
    const hidden = name === OPAQUE ? 'all' : name.slice(WHITEOUT.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw refuse(entry, 'it marks no name as removed');
    if (isKept) return this.#keepMark(path, entry);
    if (name === OPAQUE) return this.#opaque(folder);
    return this.#whiteout(folder === '' ? hidden : `${folder}/${hidden}`, entry);
  }

  /** As an empty file, whatever the archive has under this name. */
  #keepMark(path: string, entry: TarEntry): void {
    this.#isSkipping = true;
    this.#parentsOf(path);
    const folder = parentOf(path);
    if (path.slice(folder === '' ? 0 : folder.length + 1) === OPAQUE) {
      if (folder === '') this.hidesBelow = true;
      else this.#placed.opaque(folder);
    } else {
      this.#placed.whiteout(hiddenBy(path), { stands: false });
    }
    this.#unpacker.file(pathBytes(path), { ...this.#attributesOf(entry), mode: 0o600 }, 0);
    this.#unpacker.end();
  }

  #whiteout(path: string, entry: TarEntry): void {
    this.#parentsOf(path);
    this.#placed.whiteout(path, { stands: true });
    if (this.#placed.isFolder(path)) return this.#opaque(path);
    const attributes = { ...this.#attributesOf(entry), mode: S_IF.CHR };
    return void this.#unpacker.node(pathBytes(path), attributes, 0, 0, { unlessThere: true });
  }

  /** The folder is made where it is not there; what it has of owner, mode and times stays. */
  #opaque(path: string): void {
    if (path === '') {
      this.hidesBelow = true;
      return;
    }
    this.#parentsOf(path);
    const isStanding = this.#placed.isStanding(path);
    this.#placed.opaque(path);
    this.#opaqueMark();
    this.#unpacker.dir(pathBytes(path), this.#attributesOf(FOLDER_DEFAULTS), { keep: !isStanding });
  }

  /** On the folder of the next record. */
  #opaqueMark(): void {
    const name = `${this.#options.markPrefix ?? 'trusted'}.overlay.opaque`;
    this.#unpacker.xattr(Buffer.from(name), YES, { optional: false });
  }

  #attributesOf({ mode, uid, gid, mtimeNs }: FileAttributes): FileAttributes {
    const { idMap } = this.#options;
    if (!idMap) return { mode, uid, gid, mtimeNs };
    return { mode, uid: mapped(idMap.uids, uid, 'user'), gid: mapped(idMap.gids, gid, 'group'), mtimeNs };
  }
}

const isMark = (path: string): boolean => path.startsWith(WHITEOUT) || path.includes(`/${WHITEOUT}`);

/** Whether AUFS wrote it for itself. */
function isBook(folder: string, name: string): boolean {
  return `/${folder}`.includes(`/${BOOKS}`) || (name.startsWith(BOOKS) && name !== OPAQUE);
}

/** The path a whiteout's name stands for. */
function hiddenBy(path: string): string {
  const at = path.lastIndexOf('/') + 1;
  return path.slice(0, at) + path.slice(at + WHITEOUT.length);
}

const TYPE_BITS = { 'character-device': S_IF.CHR, 'block-device': S_IF.BLK, fifo: S_IF.FIFO } as const;

const withType = (attributes: FileAttributes, bits: number): FileAttributes => ({
  ...attributes,
  mode: attributes.mode | bits,
});

function mapped(ranges: readonly IdRange[], id: number, kind: string): number {
  const host = hostIdOf(ranges, id);
  if (host === undefined) throw errors.unmappedOwner(kind, id);
  return host;
}

function pathInRoot(path: ByteString, entry: TarEntry): string {
  const inside = insidePath(path);
  if (inside === undefined) throw refuse(entry, `${shown(path)} is outside of the root file system`);
  return inside;
}

/** What overlayfs would take for its own marks: they would hide files, or show others in their place. */
function refuseOverlayMarks(entry: TarEntry): void {
  if (entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0) {
    throw refuse(entry, 'a character device 0:0 is a mark of the overlay file system');
  }
  for (const name of entry.xattrs.keys()) {
    if (/^(?:trusted|user)\.overlay\./.test(name)) {
      throw refuse(entry, `the extended attribute ${name} is a mark of the overlay file system`);
    }
  }
}

const refuse = (entry: TarEntry, what: string): Error => errors.forbiddenEntry(shown(entry.path), what);

const pathBytes = (path: string): Buffer => Buffer.from(path === '' ? '.' : path, 'latin1');
