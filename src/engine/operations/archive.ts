/** Copies files out of a container and into it, running or not (compat: the archive API, `docker cp`). */
import type { Readable } from 'node:stream';
import { because, messageOf, SkiffError, SyscallError } from '#base';
import { archiveBytes, tarOfTree } from '#images';
import { readRootFile, resolvePath, S_IF, type TreeEntry, UnpackSink, type WalkRecord } from '#linux';
import { resolveUser } from '#runtime';
import { type ByteString, TarReader } from '#wire';
import { type ContainerFiles, openContainerFiles } from '../archive/container-files.ts';
import { type AskedPath, parseAskedPath } from '../archive/asked-path.ts';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { hasProcess } from '../lifecycle.ts';
import { mountPointsOf } from '../mounts/mount-point.ts';
import { type EngineParts, eventAttributes, findContainer, whileThere } from '../parts.ts';

export interface PathFacts {
  readonly name: string;
  readonly sizeBytes: number;
  /** Type and permission bits, as the kernel has them. */
  readonly mode: number;
  readonly mtimeNs: bigint;
  /** Of a symlink: where it ends up, from the root; else empty. */
  readonly linkTarget: string;
}

/** To be disposed, read or not. */
export interface CopyOut extends AsyncDisposable {
  readonly facts: PathFacts;
  /** The path under its own name, with all below. */
  readonly tar: AsyncGenerator<Buffer>;
}

export interface CopyIn {
  /** A folder that is there. */
  readonly path: string;
  /** A tar, plain or compressed. */
  readonly source: Readable;
  /** Refuse to replace a folder by something else, and the other way round. */
  readonly sameKind: boolean;
  /** compat: everything belongs to the container's user. */
  readonly ownedByUser: boolean;
  readonly signal?: AbortSignal;
}

/** Throws `container.noSuchFile`. */
export async function statInContainer(parts: EngineParts, reference: string, path: string): Promise<PathFacts> {
  const record = copyable(parts, reference);
  return whileThere(parts, record.id, async () => {
    await using files = await openContainerFiles(parts, record);
    return (await findIn(files, parseAskedPath(path), path, reference)).facts;
  });
}

/** Throws `container.noSuchFile` before the first byte. */
export async function copyFromContainer(parts: EngineParts, reference: string, path: string): Promise<CopyOut> {
  const record = copyable(parts, reference);
  return whileThere(parts, record.id, async () => {
    await using stack = new AsyncDisposableStack();
    const files = stack.use(await openContainerFiles(parts, record));
    const asked = parseAskedPath(path);
    const { facts, resolved } = await findIn(files, asked, path, reference);
    parts.events.emit('container', 'archive-path', record.id, eventAttributes(record));
    const held = stack.move();
    return {
      facts,
      tar: tarOf(files, resolved, asked.name),
      [Symbol.asyncDispose]: () => held.disposeAsync(),
    };
  });
}

/**
 * Throws `container.noSuchFile`, `container.notFolder`, `container.readonlyRoot`, `container.readonlyMount`,
 * `container.outside`, `container.copyFailed`, and `tar.*`. What was copied before a failure stays.
 */
export async function copyIntoContainer(parts: EngineParts, reference: string, copy: CopyIn): Promise<void> {
  const record = copyable(parts, reference);
  const into = async (): Promise<void> => {
    const now = copyable(parts, record.id);
    await using files = await openContainerFiles(parts, now);
    await fill(parts, now, files, reference, copy);
  };
  if (hasProcess(record.status)) return whileThere(parts, record.id, into);
  // Nobody starts or removes it meanwhile, nor is its last run still being cleaned up.
  await parts.live.get(record.id)?.cleaned;
  await parts.locks.run(record.id, into);
}

function copyable(parts: EngineParts, reference: string): ContainerRecord {
  const record = findContainer(parts, reference);
  if (record.status === 'removing' || record.status === 'dead') throw errors.cannotCopy(record.id, record.status);
  return record;
}

async function findIn(
  files: ContainerFiles,
  asked: AskedPath,
  text: string,
  reference: string,
): Promise<{ readonly facts: PathFacts; readonly resolved: string }> {
  const readLink = (path: string): Promise<string | undefined> => files.readLink(path);
  const resolved = await resolvePath(asked.path, readLink, asked.isFolder);
  const entry = await files.stat(resolved);
  if (!entry || (asked.isFolder && !isFolder(entry))) throw errors.noSuchFile(text, reference);
  const isLink = (entry.mode & S_IF.MASK) === S_IF.LNK;
  const facts: PathFacts = {
    name: textOf(asked.name),
    sizeBytes: isLink ? entry.target.length : entry.size,
    mode: entry.mode,
    mtimeNs: entry.mtimeNs,
    linkTarget: isLink ? `/${textOf(await resolvePath(resolved, readLink, true))}` : '',
  };
  return { facts, resolved };
}

async function* tarOf(files: ContainerFiles, path: string, name: string): AsyncGenerator<Buffer> {
  const records = renamed(files.walk(path), name === '/' ? '' : name);
  // The root's own entry has no name of its own to put a slash behind.
  yield* tarOfTree(records, (entry) => [entry.path === '//' ? { ...entry, path: '/' as ByteString } : entry]);
}

/** The entries of a walk under another name than ''. */
async function* renamed(records: AsyncIterable<WalkRecord>, name: string): AsyncGenerator<WalkRecord> {
  const base = Buffer.from(name, 'latin1');
  const under = (path: Buffer): Buffer => {
    if (path.length === 0 && name !== '') return base;
    return Buffer.concat([base, Buffer.from('/'), path]);
  };
  for await (const record of records) {
    if (record.type === 'entry') yield { type: 'entry', entry: { ...record.entry, path: under(record.entry.path) } };
    else if (record.type === 'link') {
      const entry = { ...record.entry, path: under(record.entry.path) };
      yield { type: 'link', existing: under(record.existing), entry };
    } else yield record;
  }
}

async function fill(
  parts: EngineParts,
  record: ContainerRecord,
  files: ContainerFiles,
  reference: string,
  copy: CopyIn,
): Promise<void> {
  const asked = parseAskedPath(copy.path);
  const resolved = await resolvePath(asked.path, (path) => files.readLink(path), true);
  const entry = await files.stat(resolved);
  if (!entry) throw errors.noSuchFile(copy.path, reference);
  if (!isFolder(entry)) throw errors.notFolder(copy.path);
  checkWritable(record, textOf(resolved));
  const owner = copy.ownedByUser ? ownerOf(parts, record) : undefined;
  const { unpacker, inside } = files.openUnpacker(resolved, { sameKind: copy.sameKind });
  const reader = new TarReader(new UnpackSink({ unpacker, folder: inside, owner, outside: errors.outside }));
  try {
    for await (const chunk of archiveBytes(copy.source)) {
      copy.signal?.throwIfAborted();
      reader.push(chunk);
      await unpacker.ready();
    }
    reader.end();
    await unpacker.finish();
  } catch (error) {
    if (error instanceof SkiffError) throw error;
    const isOtherKind = error instanceof SyscallError && (error.errno === 'EISDIR' || error.errno === 'ENOTDIR');
    const make = copy.sameKind && isOtherKind ? errors.otherKind : errors.copyFailed;
    throw because(make(copy.path, messageOf(error)), error);
  }
  parts.events.emit('container', 'extract-to-dir', record.id, eventAttributes(record));
}

/** compat: what is bound decides for itself; a read-only root takes nothing, not even where the container may write. */
function checkWritable(record: ContainerRecord, path: string): void {
  const mounted = mountPointsOf(record)
    .filter(({ setting: { destination } }) => `/${path}` === destination || `/${path}`.startsWith(`${destination}/`))
    .sort((a, b) => b.setting.destination.length - a.setting.destination.length)[0];
  if (mounted?.readonly) throw errors.readonlyMount();
  if (!mounted && record.settings.host.readonlyRootfs) throw errors.readonlyRoot();
}

function ownerOf(parts: EngineParts, record: ContainerRecord): { uid: number; gid: number } | undefined {
  if (record.program.user === '') return undefined;
  const { folders } = parts.snapshots.open(record.id, record.imageId);
  const files = {
    passwd: readRootFile(folders, '/etc/passwd') ?? '',
    group: readRootFile(folders, '/etc/group') ?? '',
  };
  const { uid, gid } = resolveUser(record.program.user, files, []);
  return { uid, gid };
}

const isFolder = (entry: TreeEntry): boolean => (entry.mode & S_IF.MASK) === S_IF.DIR;

const textOf = (path: string): string => Buffer.from(path, 'latin1').toString('utf8');
