/** Results that go to a build's client: one archive, or a folder with FileSend/DiffCopy and us as the sender. */
import type { DescMethodBiDiStreaming } from '@bufbuild/protobuf';
import type { ExportedFolder, ExportFacts, FolderItem } from '#build';
import { filesync, fsutil } from '#specs/buildkit';
import { goModeOf } from '#wire';
import { errors } from './errors.ts';
import type { Session } from './sessions.ts';

export interface SendTarget {
  readonly session: Session;
  /** The place of the export in the client's list: how it knows where the files go. */
  readonly exporter: number;
  readonly signal: AbortSignal;
  /** Bytes that were sent so far. */
  readonly onBytes: (total: number) => void;
}

const METHOD = '/moby.filesync.v1.FileSend/DiffCopy';
/** compat: what the receiver takes in one message. */
const MAX_PIECE_BYTES = 1024 * 1024;

/** An archive. The client has it whole when this returns. Throws `buildkit.noFileSend`, and what the client refuses with. */
export async function sendArchive(target: SendTarget, bytes: AsyncIterable<Buffer>, facts: ExportFacts): Promise<void> {
  const { session, exporter, signal, onBytes } = target;
  if (!session.offers(METHOD)) throw errors.noFileSend();
  const more = Object.fromEntries(Object.entries(facts).map(([key, value]) => [`exporter-md-${key}`, value]));
  using stream = session.client.open(filesync.FileSend.method.diffCopy, {
    metadata: { 'buildkit-attachable-exporter-id': String(exporter), ...more },
    signal,
  });
  let total = 0;
  let hasEnded = false;
  // It ends when it has everything, or says why not.
  const ended = drain(stream.answers).finally(() => {
    hasEnded = true;
  });
  ended.catch(() => {});
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += MAX_PIECE_BYTES) {
      if (hasEnded) break;
      const data = chunk.subarray(at, at + MAX_PIECE_BYTES);
      await Promise.race([stream.send({ data }), ended]);
      total += data.length;
      onBytes(total);
    }
    if (hasEnded) break;
  }
  stream.close();
  await ended;
}

async function drain(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers) continue;
}

const { STAT, REQ, DATA, FIN, ERR } = {
  STAT: fsutil.Packet_PacketType.PACKET_STAT,
  REQ: fsutil.Packet_PacketType.PACKET_REQ,
  DATA: fsutil.Packet_PacketType.PACKET_DATA,
  FIN: fsutil.Packet_PacketType.PACKET_FIN,
  ERR: fsutil.Packet_PacketType.PACKET_ERR,
};

/** compat: declared with bytes, spoken in packets. */
const sendPackets = {
  ...filesync.FileSend.method.diffCopy,
  input: fsutil.PacketSchema,
  output: fsutil.PacketSchema,
} as unknown as DescMethodBiDiStreaming<typeof fsutil.PacketSchema, typeof fsutil.PacketSchema>;

/**
 * A folder: everything is listed, then files are sent as the client asks for them. `mirrors`: it removes what is not in it.
 * Throws `buildkit.noFileSend`, `buildkit.clientFailed`.
 */
export async function sendFolder(target: SendTarget, folder: ExportedFolder, mirrors: boolean): Promise<void> {
  const { session, exporter, signal, onBytes } = target;
  if (!session.offers(METHOD)) throw errors.noFileSend();
  using stream = session.client.open(sendPackets, {
    metadata: {
      'buildkit-attachable-exporter-id': String(exporter),
      ...(mirrors ? { 'buildkit-exporter-multi-platform': '1' } : {}),
    },
    signal,
  });
  const requests = new Requests(stream.answers);
  for (const item of folder.items) {
    await stream.send({ type: STAT, stat: statOf(item) });
    requests.check();
  }
  await stream.send({ type: STAT });
  let total = 0;
  for (let id = await requests.next(); id !== undefined; id = await requests.next()) {
    const item = folder.items[id];
    if (!item) throw errors.clientFailed('output', `it asks for number ${id} of ${folder.items.length} files`);
    for await (const chunk of folder.content(item)) {
      for (let at = 0; at < chunk.length; at += MAX_PIECE_BYTES) {
        const data = chunk.subarray(at, at + MAX_PIECE_BYTES);
        await stream.send({ type: DATA, ID: id, data });
        total += data.length;
        onBytes(total);
      }
    }
    await stream.send({ type: DATA, ID: id });
  }
  await stream.send({ type: FIN });
  stream.close();
  await requests.ended;
}

/** What the client asks for, in its order, however early it does. */
class Requests {
  readonly #wanted: number[] = [];
  #wake = (): void => {};
  #isDone = false;
  #failure: unknown;
  readonly ended: Promise<void>;

  constructor(answers: AsyncIterable<fsutil.Packet>) {
    this.ended = this.#take(answers);
    this.ended.catch(() => {});
  }

  /** Throws what the client said meanwhile. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Undefined when it has everything. */
  async next(): Promise<number | undefined> {
    for (;;) {
      this.check();
      const id = this.#wanted.shift();
      if (id !== undefined) return id;
      if (this.#isDone) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async #take(answers: AsyncIterable<fsutil.Packet>): Promise<void> {
    try {
      for await (const packet of answers) {
        if (packet.type === REQ) this.#wanted.push(packet.ID);
        else if (packet.type === FIN) this.#isDone = true;
        else if (packet.type === ERR) throw errors.clientFailed('output', Buffer.from(packet.data).toString());
        this.#wake();
      }
      if (!this.#isDone) throw errors.clientFailed('output', 'the client stopped receiving');
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#wake();
    }
  }
}

function statOf(item: FolderItem) {
  return {
    path: utf8(item.path),
    mode: goModeOf(item.mode),
    uid: item.uid,
    gid: item.gid,
    size: BigInt(item.size),
    modTime: item.mtimeNs,
    linkname: utf8(item.target),
    devmajor: BigInt(item.devMajor),
    devminor: BigInt(item.devMinor),
    xattrs: Object.fromEntries(item.xattrs.map(([name, value]) => [name.toString(), new Uint8Array(value)])),
  };
}

/** compat: names on the wire are text; bytes that are none become the replacement character, as Go's do. */
const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();
