/**
 * A folder as overlayfs keeps it, back as the tar of a layer: whiteouts and opaque folders under the names the image
 * specification gives them. The same folder always gives the same bytes, so the same DiffID.
 */
import { type HostFacts, openTreeReader, S_IF, type TreeEntry, type TreeReader, type WalkRecord } from '#linux';
import { byteString, type ByteString, type TarEntry } from '#wire';
import { errors } from '../errors.ts';
import type { Change } from './changes.ts';
import { containerIdOf, type IdMap, type IdRange } from './id-map.ts';
import { openStack, type Stack } from './tree.ts';
import { tarOfTree } from './tar-of-tree.ts';

export interface PackRequest {
  /** The upper folder of an overlay, or a layer's; nobody writes into it meanwhile, or the result is a mixture. */
  readonly folder: string;
  readonly facts: Pick<HostFacts, 'kernel'>;
  readonly helperProgram?: string;
  /** Owners in the archive for those on the host; without it they are the same. */
  readonly idMap?: IdMap;
  /** Later times become this one. */
  readonly latestNs?: bigint;
}

/** The layer's tar. Throws `image.unpackable` for what no layer can hold, and the helper's `SyscallError`. */
export async function* packLayer({ folder, idMap, latestNs, ...where }: PackRequest): AsyncGenerator<Buffer> {
  yield* pack({ ...where, folders: [folder] }, (entry, found) =>
    layerEntries(noLater(inside(entry, idMap), latestNs), found),
  );
}

function noLater(entry: TarEntry, latestNs: bigint | undefined): TarEntry {
  return latestNs !== undefined && entry.mtimeNs > latestNs ? { ...entry, mtimeNs: latestNs } : entry;
}

/** The tar of a whole root file system (compat: `docker export`): of a stack as one tree, or of one folder. */
export async function* packRoot({ idMap, ...stack }: Stack & { readonly idMap?: IdMap }): AsyncGenerator<Buffer> {
  yield* pack(stack, (entry) => [inside(entry, idMap)]);
}

export interface PackChangesRequest {
  /** A whole root file system. */
  readonly folder: string;
  /** What differs in it from what it began with, in the order of the tree. */
  readonly changes: readonly Change[];
  readonly helperProgram: string;
}

/** The layer that makes of the old tree the new one, for trees that are kept whole. */
export async function* packChanges({ folder, changes, helperProgram }: PackChangesRequest): AsyncGenerator<Buffer> {
  await using reader = openTreeReader({ folder }, { program: helperProgram });
  yield* tarOfTree(changedRecords(reader, changes), layerEntries);
}

async function* changedRecords(reader: TreeReader, changes: readonly Change[]): AsyncGenerator<WalkRecord> {
  const links = await linksIn(reader, changes);
  /** First name of a file in the whole tree → its first name in the layer. */
  const packed = new Map<string, Buffer>();
  for (const { kind, name } of changes) {
    if (kind === 'deleted') {
      yield { type: 'entry', entry: { ...WHITEOUT, path: name } };
      continue;
    }
    const link = links.get(byteString(name));
    const file = byteString(link?.existing ?? name);
    const existing = packed.get(file);
    if (link && existing) yield { type: 'link', entry: link.entry, existing };
    else yield* reader.read(name);
    if (!existing) packed.set(file, name);
  }
}

type Link = Extract<WalkRecord, { readonly type: 'link' }>;

/** Further names of files, of those that are to be packed. */
async function linksIn(reader: TreeReader, changes: readonly Change[]): Promise<ReadonlyMap<string, Link>> {
  const wanted = new Set(changes.map(({ name }) => byteString(name)));
  const links = new Map<string, Link>();
  for await (const record of reader.walk({ content: false })) {
    if (record.type !== 'link') continue;
    const path = byteString(record.entry.path);
    if (wanted.has(path)) links.set(path, record);
  }
  return links;
}

/** What overlayfs would have put there. */
const WHITEOUT: TreeEntry = {
  path: Buffer.alloc(0),
  mode: S_IF.CHR,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 0n,
  devMajor: 0,
  devMinor: 0,
  target: Buffer.alloc(0),
  xattrs: [],
};

async function* pack(stack: Stack, translate: Parameters<typeof tarOfTree>[1]): AsyncGenerator<Buffer> {
  await using reader = openStack(stack);
  yield* tarOfTree(reader.walk({ content: true }), translate);
}

/** compat: attributes of marks as Docker writes them. */
function layerEntries(entry: TarEntry, found: TreeEntry): TarEntry[] {
  if (isWhiteout(entry)) return [mark(entry, beside(entry.path, '.wh.'), 0o600)];
  const marks = marksOf(found);
  for (const name of ['redirect', 'metacopy']) {
    // Only a mount with other options than ours leaves these: the folder makes sense only together with those below.
    if (marks.has(name)) throw errors.unpackable(entry.path, `the overlay mark '${name}' has no form in a layer`);
  }
  if (marks.get('opaque') !== 'y') return [entry];
  return [entry, mark(entry, `${entry.path}.wh..wh..opq` as ByteString, entry.mode & 0o777)];
}

function isWhiteout(entry: TarEntry): boolean {
  return entry.type === 'character-device' && entry.devMajor === 0 && entry.devMinor === 0;
}

function mark(entry: TarEntry, path: ByteString, mode: number): TarEntry {
  return { ...entry, path, type: 'file', mode, size: 0, xattrs: new Map() };
}

/** The path with something before its last name. */
function beside(path: ByteString, before: string): ByteString {
  const at = path.lastIndexOf('/') + 1;
  return `${path.slice(0, at)}${before}${path.slice(at)}` as ByteString;
}

/** What overlayfs has noted about an entry, by name. */
function marksOf({ xattrs }: TreeEntry): Map<string, string> {
  return new Map(
    xattrs.flatMap(([name, value]) => {
      const key = /^(?:trusted|user)\.overlay\.(\w+)$/.exec(byteString(name))?.[1];
      return key === undefined ? [] : [[key, byteString(value)] as const];
    }),
  );
}

function inside(entry: TarEntry, idMap: IdMap | undefined): TarEntry {
  if (!idMap) return entry;
  return { ...entry, uid: mapped(idMap.uids, entry.uid, entry), gid: mapped(idMap.gids, entry.gid, entry) };
}

function mapped(ranges: readonly IdRange[], id: number, { path }: TarEntry): number {
  const inner = containerIdOf(ranges, id);
  if (inner === undefined) throw errors.unpackable(path, `its owner ${id} has no place in the user namespace`);
  return inner;
}
