/**
 * A folder of the client's, asked for over the session and passed on as a tar: FileSync/DiffCopy with us as the receiver.
 *
 * The client lists everything first, a folder before what is in it, then sends the content of what is asked for. Files are
 * asked for in the order of the list, a few ahead, so that what waits for its turn in memory is bounded.
 */
import { filesync, fsutil } from '#specs/buildkit';
import {
  byteString,
  compareListed,
  encodeTarEntry,
  isListedPath,
  MAX_LISTED,
  permissionsOfGoMode,
  TAR_END,
  type TarEntry,
  tarEntry,
  tarPadding,
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

/** Files asked for and not yet passed on; their bytes may all be here. */
const FILES_AHEAD = 32;
const BYTES_AHEAD = 32 * 1024 * 1024;

type Packet = fsutil.Packet;
const { STAT, REQ, DATA, FIN, ERR } = {
  STAT: fsutil.Packet_PacketType.PACKET_STAT,
  REQ: fsutil.Packet_PacketType.PACKET_REQ,
  DATA: fsutil.Packet_PacketType.PACKET_DATA,
  FIN: fsutil.Packet_PacketType.PACKET_FIN,
  ERR: fsutil.Packet_PacketType.PACKET_ERR,
};

/** The tar's bytes. `onBytes` hears how much has come. Throws `buildkit.badListing`, `buildkit.clientFailed`. */
export async function* receiveFolder(
  session: Session,
  wish: FolderWish,
  signal: AbortSignal,
  onBytes: (total: number) => void,
): AsyncGenerator<Buffer> {
  if (!session.offers('/moby.filesync.v1.FileSync/DiffCopy')) throw errors.noFiles(wish.name);
  using stream = session.client.open(filesync.FileSync.method.diffCopy, { metadata: metadataOf(wish), signal });
  const packets = stream.answers[Symbol.asyncIterator]();
  let total = 0;
  const next = async (): Promise<Packet> => {
    const { value, done } = await packets.next();
    if (done === true) throw errors.clientFailed(wish.name, 'the client stopped sending');
    if (value.type === ERR) throw errors.clientFailed(wish.name, Buffer.from(value.data).toString());
    total += value.data.length;
    if (value.data.length > 0) onBytes(total);
    return value;
  };

  const list = new Listing();
  for (let packet = await next(); packet.stat; packet = await next()) {
    if (packet.type !== STAT) throw errors.badListing('something else came in the middle of it');
    list.add(packet.stat);
  }
  const contents = new Contents({
    files: list.files,
    ask: (id) => stream.send({ type: REQ, ID: id }),
    next: async () => {
      const packet = await next();
      if (packet.type !== DATA) throw errors.badListing(`packet of type ${packet.type} where content was asked for`);
      return packet;
    },
  });
  for (const { id, entry } of list.entries) {
    if (entry.type === 'file' && entry.size > 0) {
      yield encodeTarEntry(entry);
      let left = entry.size;
      for await (const bytes of contents.of(id)) {
        left -= bytes.length;
        if (left < 0) break;
        yield bytes;
      }
      if (left !== 0) throw errors.clientFailed(wish.name, `${entry.path} changed while it was sent`);
      yield tarPadding(entry.size);
    } else yield encodeTarEntry(entry);
  }
  yield TAR_END;
  await stream.send({ type: FIN });
  stream.close();
  // The client says so, too, and ends.
  for (let result = await packets.next(); result.done !== true; result = await packets.next()) {
    if (result.value.type === ERR) throw errors.clientFailed(wish.name, Buffer.from(result.value.data).toString());
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

/** A file with content, which is asked for by its number. */
export interface ListedFile {
  readonly id: number;
  readonly size: number;
}

interface Listed {
  readonly id: number;
  readonly entry: TarEntry;
}

/** The client's list, each path judged by itself and by the one before. */
export class Listing {
  readonly entries: Listed[] = [];
  readonly files: ListedFile[] = [];
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
    if (!entry) return;
    this.entries.push({ id, entry });
    if (entry.type === 'file' && entry.size > 0) this.files.push({ id, size: entry.size });
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

interface ContentsParts {
  /** In the order in which they will be taken. */
  readonly files: readonly ListedFile[];
  readonly ask: (id: number) => Promise<void>;
  readonly next: () => Promise<Packet>;
}

/** Contents by the id of their file; the client may mix those that were asked for. */
class Contents {
  readonly #parts: ContentsParts;
  readonly #waiting = new Map<number, { pieces: Buffer[]; left: number; isWhole: boolean }>();
  #asked = 0;
  /** Of files that are asked for: what of them is here, and what may come. */
  #promised = 0;

  constructor(parts: ContentsParts) {
    this.#parts = parts;
  }

  async *of(id: number): AsyncGenerator<Buffer> {
    await this.#askAhead(id);
    for (;;) {
      const file = this.#waiting.get(id)!;
      for (let piece = file.pieces.shift(); piece; piece = file.pieces.shift()) {
        this.#promised -= piece.length;
        yield piece;
      }
      if (file.isWhole) break;
      await this.#receive();
    }
    this.#waiting.delete(id);
  }

  async #askAhead(id: number): Promise<void> {
    const { files, ask } = this.#parts;
    while (
      this.#asked < files.length &&
      (!this.#waiting.has(id) ||
        (this.#waiting.size < FILES_AHEAD && this.#promised + files[this.#asked]!.size <= BYTES_AHEAD))
    ) {
      const next = files[this.#asked++]!;
      this.#promised += next.size;
      this.#waiting.set(next.id, { pieces: [], left: next.size, isWhole: false });
      await ask(next.id);
    }
  }

  async #receive(): Promise<void> {
    const packet = await this.#parts.next();
    const file = this.#waiting.get(packet.ID);
    if (!file || file.isWhole) throw errors.badListing(`content of number ${packet.ID}, which was not asked for`);
    if (packet.data.length === 0) {
      file.isWhole = true;
      return;
    }
    file.left -= packet.data.length;
    if (file.left < 0) throw errors.badListing(`more content of number ${packet.ID} than was announced`);
    file.pieces.push(Buffer.from(packet.data));
  }
}
