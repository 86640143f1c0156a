/**
 * The files of a result for somebody outside: one tree of all platforms, with attestations as files beside them. Entries are
 * listed first and kept; contents are read when they are asked for.
 */
import { createHash } from 'node:crypto';
import { nowNs } from '#base';
import { openStack } from '#images';
import { resolvePath, S_IF, type TreeEntry, type TreeReader } from '#linux';
import { byteString, encodeTarEntry, TAR_END, type TarEntry, type TarEntryType, tarEntry, tarPadding } from '#wire';
import { statement, type Subject } from '../attest/attestation.ts';
import { errors } from '../errors.ts';
import { zeros } from '../files/source-tree.ts';
import type { Built, BuiltOutput } from './built.ts';

/** How the files of the result are given. */
export interface FilesForm {
  /** A folder per platform; undefined: when several platforms were asked for. */
  readonly isSplit: boolean | undefined;
  /** Before the names of attestations. */
  readonly attestationPrefix: string;
  /** Only this folder or file of the result; '' for all. */
  readonly source: string;
  readonly epochNs: bigint | undefined;
}

export interface FolderItem {
  /** Byte string (latin1), relative, without `/` at the ends. */
  readonly path: string;
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of what `content` gives. */
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Of a symlink, or the path of an earlier item that is the same file; else ''. */
  readonly target: string;
  readonly isHardLink: boolean;
  readonly xattrs: readonly (readonly [name: Buffer, value: Buffer])[];
}

export interface ExportedFolder extends AsyncDisposable {
  /** A folder before what is in it, names in order. */
  readonly items: readonly FolderItem[];
  /** Of one file at a time. */
  content(item: FolderItem): AsyncGenerator<Buffer>;
  /** The same as an archive. */
  tar(): AsyncGenerator<Buffer>;
}

/** Of names and facts, which are kept. */
const MAX_ITEMS = 2_000_000;

type Content = () => AsyncGenerator<Buffer>;

/** Throws `build.notFound`, `build.notAFolder` for a source that is none, and `build.sameFile` where platforms collide. */
export async function openExportedFolder(built: Built, form: FilesForm): Promise<ExportedFolder> {
  await using opened = new AsyncDisposableStack();
  const isSplit = form.isSplit ?? built.isList;
  const entries = new Map<
    string,
    { readonly item: FolderItem; readonly content: Content; readonly platform: string }
  >();
  const add = (item: FolderItem, content: Content, platform: string): void => {
    const before = entries.get(item.path);
    if (before && isFolder(before.item) && isFolder(item)) return;
    if (before) throw errors.sameFile(item.path, before.platform, platform);
    if (entries.size >= MAX_ITEMS) throw errors.tooManyFiles(MAX_ITEMS);
    entries.set(item.path, { item, content, platform });
  };
  const epochNs = form.epochNs ?? built.epochNs;
  for (const output of built.outputs) {
    const { platformId } = output;
    const folder = isSplit ? platformId.replaceAll(/[/\\:]/g, '_') : '';
    const inside = (path: string): string => (folder === '' ? path : path === '' ? folder : `${folder}/${path}`);
    const dated = (item: FolderItem): FolderItem => (epochNs === undefined ? item : { ...item, mtimeNs: epochNs });
    if (folder !== '') add(dated(itemOf(folder, S_IF.DIR | 0o755)), nothing, platformId);
    const files = opened.use(await openOutput(built, output, form.source));
    for await (const [item, content] of files.walk()) {
      const target = item.isHardLink ? inside(item.target) : item.target;
      add(dated({ ...item, path: inside(item.path), target }), content, platformId);
    }
    const name = (fileName: string): string =>
      `${form.attestationPrefix}${built.isList && !isSplit ? withPlatform(fileName, platformId) : fileName}`;
    const about = (built.attestations.get(platformId) ?? []).filter(({ isInlineOnly }) => !isInlineOnly);
    const subjects = about.length === 0 ? [] : await files.subjects();
    for (const each of about) {
      const bytes = Buffer.from(JSON.stringify(statement(each, subjects), undefined, 2));
      const item = { ...itemOf(inside(name(each.fileName)), S_IF.REG | 0o600), size: bytes.length, mtimeNs: nowNs() };
      add(
        dated(item),
        async function* () {
          yield bytes;
        },
        platformId,
      );
    }
  }
  const sorted = [...entries.values()].sort((a, b) => compare(a.item.path, b.item.path));
  const items = sorted.map(({ item }) => item);
  const content = (item: FolderItem): AsyncGenerator<Buffer> => entries.get(item.path)!.content();
  const kept = opened.move();
  return {
    items,
    content,
    tar: () => tarOf(items, content),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** compat: `provenance.linux_amd64.json`. */
function withPlatform(fileName: string, platformId: string): string {
  const dot = fileName.lastIndexOf('.');
  const [stem, extension] = dot < 0 ? [fileName, ''] : [fileName.slice(0, dot), fileName.slice(dot)];
  return `${stem}.${platformId.replaceAll(/[/\\:]/g, '_')}${extension}`;
}

const nothing: Content = async function* () {};

const itemOf = (path: string, mode: number): FolderItem => ({
  ...{ path, mode, uid: 0, gid: 0, size: 0, mtimeNs: 0n, devMajor: 0, devMinor: 0 },
  ...{ target: '', isHardLink: false, xattrs: [] },
});

const typeOf = ({ mode }: Pick<FolderItem, 'mode'>): number => mode & S_IF.MASK;
const isFolder = (item: FolderItem): boolean => typeOf(item) === S_IF.DIR;

/** Component by component: `/` sorts below every other character. */
function compare(a: string, b: string): number {
  const [x, y] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  return x < y ? -1 : x > y ? 1 : 0;
}

interface OutputFiles extends AsyncDisposable {
  walk(): AsyncGenerator<readonly [item: FolderItem, content: Content]>;
  /** What files hold, for statements about them. */
  subjects(): Promise<Subject[]>;
}

const noFiles: OutputFiles = {
  walk: async function* () {},
  subjects: async () => [],
  [Symbol.asyncDispose]: async () => {},
};

async function openOutput(built: Built, output: BuiltOutput, source: string): Promise<OutputFiles> {
  const { folders, facts, helperProgram } = built;
  const stack = folders(output.layers);
  if (stack.length === 0) {
    if (source !== '') throw errors.notFound(source);
    return noFiles;
  }
  const reader = openStack({ folders: stack, facts, helperProgram });
  try {
    const root = await sourceIn(reader, source);
    return new StackFiles(reader, root);
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

/** The folder's own path in the tree: symlinks are followed without leaving it. */
async function sourceIn(reader: TreeReader, source: string): Promise<string> {
  const wanted = Buffer.from(source)
    .toString('latin1')
    .replace(/^\/+|\/+$/g, '');
  if (wanted === '' || wanted === '.') return '';
  const link = async (path: string): Promise<string | undefined> => {
    const entry = await reader.stat(Buffer.from(path, 'latin1'));
    return entry && (entry.mode & S_IF.MASK) === S_IF.LNK ? entry.target.toString('latin1') : undefined;
  };
  const path = await resolvePath(wanted, link, true);
  const found = await reader.stat(Buffer.from(path, 'latin1'));
  if (!found) throw errors.notFound(source);
  if ((found.mode & S_IF.MASK) !== S_IF.DIR) throw errors.notAFolder(source);
  return path;
}

class StackFiles implements OutputFiles {
  readonly #reader: TreeReader;
  readonly #root: string;

  constructor(reader: TreeReader, root: string) {
    this.#reader = reader;
    this.#root = root;
  }

  async *walk(): AsyncGenerator<readonly [FolderItem, Content]> {
    const path = Buffer.from(this.#root, 'latin1');
    for await (const record of this.#reader.walk({ content: false, path })) {
      if (record.type !== 'entry' && record.type !== 'link') continue;
      const { entry } = record;
      if (entry.path.length === 0 || (entry.mode & S_IF.MASK) === S_IF.SOCK) continue;
      const existing = record.type === 'link' ? record.existing.toString('latin1') : undefined;
      yield [described(entry, existing), () => this.#content(entry)];
    }
  }

  async subjects(): Promise<Subject[]> {
    const subjects: Subject[] = [];
    let name = '';
    let hash = createHash('sha256');
    for await (const record of this.#reader.walk({ content: true, path: Buffer.from(this.#root, 'latin1') })) {
      if (record.type === 'entry') {
        name = record.entry.path.toString();
        hash = createHash('sha256');
      } else if (record.type === 'data') hash.update(record.bytes);
      else if (record.type === 'hole') for (const piece of zeros(record.length)) hash.update(piece);
      else if (record.type === 'end') subjects.push({ name, digest: { sha256: hash.digest('hex') } });
    }
    return subjects;
  }

  async *#content({ path }: TreeEntry): AsyncGenerator<Buffer> {
    const prefix = this.#root === '' ? '' : `${this.#root}/`;
    const full = Buffer.concat([Buffer.from(prefix, 'latin1'), path]);
    for await (const record of this.#reader.read(full)) {
      if (record.type === 'data') yield record.bytes;
      else if (record.type === 'hole') yield* zeros(record.length);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
  }
}

function described(entry: TreeEntry, existing: string | undefined): FolderItem {
  const isFile = (entry.mode & S_IF.MASK) === S_IF.REG;
  return {
    path: entry.path.toString('latin1'),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: isFile && existing === undefined ? entry.size : 0,
    mtimeNs: entry.mtimeNs,
    devMajor: entry.devMajor,
    devMinor: entry.devMinor,
    target: existing ?? entry.target.toString('latin1'),
    isHardLink: existing !== undefined,
    xattrs: entry.xattrs.filter(([name]) => !isForeign(name.toString('latin1'))),
  };
}

/** Whether this is no attribute of the file but a note of overlayfs or of a security module. */
const isForeign = (name: string): boolean => /^(?:user|trusted)\.overlay\.|^security\.(?!capability$)/.test(name);

const TYPES: Readonly<Record<number, TarEntryType>> = {
  [S_IF.REG]: 'file',
  [S_IF.DIR]: 'directory',
  [S_IF.LNK]: 'symlink',
  [S_IF.CHR]: 'character-device',
  [S_IF.BLK]: 'block-device',
  [S_IF.FIFO]: 'fifo',
};

async function* tarOf(
  items: readonly FolderItem[],
  content: (item: FolderItem) => AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  for (const item of items) {
    const entry = tarEntryOf(item);
    if (!entry) continue;
    yield encodeTarEntry(entry);
    if (entry.type !== 'file' || entry.size === 0) continue;
    yield* content(item);
    yield tarPadding(entry.size);
  }
  yield TAR_END;
}

function tarEntryOf(item: FolderItem): TarEntry | undefined {
  const type = item.isHardLink ? 'hard-link' : TYPES[typeOf(item)];
  if (type === undefined) return undefined;
  const path = byteString(Buffer.from(type === 'directory' ? `${item.path}/` : item.path, 'latin1'));
  return {
    ...tarEntry('', type, { size: item.size }),
    path,
    mode: item.mode & 0o7777,
    uid: item.uid,
    gid: item.gid,
    mtimeNs: item.mtimeNs,
    linkPath: byteString(Buffer.from(item.target, 'latin1')),
    devMajor: item.devMajor,
    devMinor: item.devMinor,
    xattrs: new Map(item.xattrs.map(([name, value]) => [byteString(name), value])),
  };
}
