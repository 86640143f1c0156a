/**
 * A folder of the client's, asked for over the session: FileSync/DiffCopy with us as the receiver.
 *
 * The client lists everything first, a folder before what is in it, then sends the content of what is asked for, until it
 * is told that no more will be.
 */
import { nowNs } from '#base';
import type { ClientFolder, FileReceiver, ListedEntry } from '#build';
import type { GrpcStream } from '#rpc/grpc';
import { filesync, fsutil } from '#specs/buildkit';
import {
  byteString,
  compareListed,
  isListedPath,
  MAX_LISTED,
  permissionsOfGoMode,
  type TarEntry,
  tarEntry,
  typeOfGoMode,
} from '#wire';
import { errors } from './errors.ts';
import type { Session } from './sessions.ts';

export interface FolderWish {
  /** `context`, `dockerfile`, or that of a named context. */
  readonly name: string;
  readonly excludes: readonly string[];
  /** Only these and what they link to; empty: everything. */
  readonly paths: readonly string[];
}

/** Files that are asked for in one message. */
const FILES_AT_ONCE = 512;

type Packet = fsutil.Packet;
type PacketStream = GrpcStream<typeof filesync.FileSync.method.diffCopy>;
const { STAT, REQ, DATA, FIN, ERR } = {
  STAT: fsutil.Packet_PacketType.PACKET_STAT,
  REQ: fsutil.Packet_PacketType.PACKET_REQ,
  DATA: fsutil.Packet_PacketType.PACKET_DATA,
  FIN: fsutil.Packet_PacketType.PACKET_FIN,
  ERR: fsutil.Packet_PacketType.PACKET_ERR,
};

/**
 * The folder once the client has listed it; it has to be closed. `onBytes` hears how much has come. Throws
 * `buildkit.badListing`, `buildkit.clientFailed`; so does fetching.
 */
export async function receiveFolder(
  session: Session,
  wish: FolderWish,
  signal: AbortSignal,
  onBytes: (total: number) => void,
): Promise<ClientFolder> {
  if (!session.offers('/moby.filesync.v1.FileSync/DiffCopy')) throw errors.noFiles(wish.name);
  using undo = new DisposableStack();
  const askedNs = nowNs();
  const stream = undo.use(
    session.client.open(filesync.FileSync.method.diffCopy, { metadata: metadataOf(wish), signal }),
  );
  const packets = new Packets(stream, wish.name);
  const list = new Listing();
  for (let isListed = false; !isListed; ) {
    for (const packet of await packets.next()) {
      if (isListed || packet.type !== STAT) throw errors.badListing('something else came in the middle of it');
      if (packet.stat) list.add(packet.stat);
      else isListed = true;
    }
  }
  undo.move();
  return new SessionFolder({ stream, packets, entries: list.entries, askedNs, onBytes });
}

/** What the client says, as it comes. */
class Packets {
  readonly #batches: AsyncIterator<Packet[]>;
  readonly #name: string;

  constructor(stream: PacketStream, name: string) {
    this.#batches = stream.batches[Symbol.asyncIterator]();
    this.#name = name;
  }

  /** Throws `buildkit.clientFailed`. */
  async next(): Promise<Packet[]> {
    const { value, done } = await this.#batches.next();
    if (done === true) throw errors.clientFailed(this.#name, 'the client stopped sending');
    for (const packet of value) this.#check(packet);
    return value;
  }

  /** Until the client ends: it says that it has, too. */
  async end(): Promise<void> {
    while ((await this.#batches.next()).done !== true);
  }

  #check({ type, data }: Packet): void {
    if (type === ERR) throw errors.clientFailed(this.#name, Buffer.from(data).toString());
  }
}

interface SessionFolderParts {
  readonly stream: PacketStream;
  readonly packets: Packets;
  readonly entries: readonly ListedEntry[];
  readonly askedNs: bigint;
  readonly onBytes: (total: number) => void;
}

class SessionFolder implements ClientFolder {
  readonly #parts: SessionFolderParts;
  #total = 0;
  #isBroken = false;

  constructor(parts: SessionFolderParts) {
    this.#parts = parts;
  }

  get askedNs(): bigint {
    return this.#parts.askedNs;
  }

  get entries(): readonly ListedEntry[] {
    return this.#parts.entries;
  }

  async fetch(ids: readonly number[], receiver: FileReceiver): Promise<void> {
    // Until it has ended well, what comes next is not known.
    this.#isBroken = true;
    const { packets, onBytes } = this.#parts;
    let asked = 0;
    let ended = 0;
    while (ended < ids.length) {
      // Half of them are still on their way when the next are asked for.
      if (asked < ids.length && asked - ended <= FILES_AT_ONCE / 2) {
        const next = ids.slice(asked, asked + FILES_AT_ONCE);
        asked += next.length;
        await this.#parts.stream.send(...next.map((ID) => ({ type: REQ, ID })));
      }
      for (const { type, ID, data } of await packets.next()) {
        if (type !== DATA) throw errors.badListing(`packet of type ${type} where content was asked for`);
        if (data.length === 0) {
          receiver.end(ID);
          ended += 1;
        } else {
          this.#total += data.length;
          const room = receiver.data(ID, Buffer.from(data.buffer, data.byteOffset, data.length));
          if (room) await room;
        }
      }
      onBytes(this.#total);
    }
    this.#isBroken = false;
  }

  /** What the client says to it, or that it has gone, changes nothing any more. */
  async close(): Promise<void> {
    using stream = this.#parts.stream;
    if (this.#isBroken) return;
    try {
      await stream.send({ type: FIN });
      stream.close();
      await this.#parts.packets.end();
    } catch {
      return;
    }
  }
}

function metadataOf({ name, excludes, paths }: FolderWish): Record<string, string | string[]> {
  return {
    'dir-name': name,
    ...list('exclude-patterns', excludes),
    ...list('followpaths', paths),
  };
}

/** compat: what is not ASCII is escaped as in a query, and said to be. */
function list(key: string, values: readonly string[]): Record<string, string | string[]> {
  if (values.length === 0) return {};
  if (values.every((value) => /^[\x20-\x7e]*$/.test(value))) return { [key]: [...values] };
  const encoded = values.map((value) => encodeURIComponent(value).replaceAll('%20', '+'));
  return { [key]: encoded, [`${key}-encoded`]: '1' };
}

/** The client's list, each path judged by itself and by the one before. */
export class Listing {
  readonly entries: ListedEntry[] = [];
  #next = 0;
  #last = '';

  /** Throws `buildkit.badListing`. */
  add(stat: fsutil.Stat): void {
    const id = this.#next++;
    if (id >= MAX_LISTED) throw errors.badListing(`it has more than ${MAX_LISTED} entries`);
    const { path } = stat;
    if (!isListedPath(path)) throw errors.badListing(`${JSON.stringify(path)} is no clean path inside of it`);
    if (id > 0 && compareListed(this.#last, path) >= 0) {
      throw errors.badListing(`${JSON.stringify(path)} comes after ${JSON.stringify(this.#last)}`);
    }
    this.#last = path;
    const entry = entryOf(stat);
    if (entry) this.entries.push({ id, entry });
  }
}

function entryOf(stat: fsutil.Stat): TarEntry | undefined {
  const type = typeOfGoMode(stat.mode);
  if (!type) return undefined;
  const isLink = type === 'file' && stat.linkname !== '';
  const size = type === 'file' && !isLink ? Number(stat.size) : 0;
  if (size < 0 || !Number.isSafeInteger(size)) throw errors.badListing(`${stat.path} has ${stat.size} bytes`);
  if (isLink && !isListedPath(stat.linkname)) throw errors.badListing(`${stat.path} links to ${stat.linkname}`);
  return tarEntry(stat.path, isLink ? 'hard-link' : type, {
    mode: permissionsOfGoMode(stat.mode),
    size,
    mtimeNs: stat.modTime,
    ...(isLink || type === 'symlink' ? { linkPath: byteString(stat.linkname) } : {}),
    devMajor: Number(stat.devmajor),
    devMinor: Number(stat.devminor),
    xattrs: new Map(Object.entries(stat.xattrs).map(([name, value]) => [byteString(name), Buffer.from(value)])),
  });
}
