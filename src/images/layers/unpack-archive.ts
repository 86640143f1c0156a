/**
 * One layer's blob into one folder: decompress, hash, parse, and tell the native helper what to make. What
 * `unpack-worker.ts` does in a thread of its own.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { because, type Digest, messageOf, SkiffError } from '#base';
import { openUnpacker, type UnpackerOptions } from '#linux';
import { TarReader } from '#wire';
import { errors } from '../errors.ts';
import { archiveBytes, formatOf } from './archive-stream.ts';
import type { IdMap } from './id-map.ts';
import { type HardLink, LayerSink, type LayerSinkOptions } from './layer-sink.ts';

export interface UnpackedLayer {
  /** Of the uncompressed archive, to its last byte: padding behind the end mark counts. */
  readonly diffId: Digest;
  /** compat: what Docker adds up: files and targets of symlinks; hard links count once. */
  readonly sizeBytes: number;
  /** Whether the archive describes the root folder. */
  readonly givesRoot: boolean;
  /** Whether nothing below this layer is seen. */
  readonly hidesBelow: boolean;
  /** Folders the archive did not describe, but puts something into; relative, as they were needed. */
  readonly impliedFolders: readonly string[];
  /** Hard links to what is not in this archive: they were left out. */
  readonly missingLinks: readonly HardLink[];
}

/** Layers as overlayfs stacks them, or with the marks of the archive, for copies of the whole stack (merged-tree.ts). */
export type LayerForm = 'overlay' | 'marked';

export interface ArchiveTarget {
  /** Existing and empty. */
  readonly folder: string;
  readonly helperProgram: string;
  readonly signal?: AbortSignal | undefined;
  readonly idMap?: IdMap | undefined;
  /** What the blob's bytes were found to be a moment ago; a plain one is not hashed once more. */
  readonly verifiedDigest?: Digest | undefined;
  /** Told of each piece of the archive that has been dealt with. */
  readonly onUsed?: ((chunk: Buffer) => void) | undefined;
  /** How marks of removed files are put down. */
  readonly form?: LayerForm | undefined;
  /** Called with the bytes of the blob, as it is stored, that have been read so far. */
  readonly onProgress?: ((blobBytes: number) => void) | undefined;
}

/** Small enough to stay in the processor's cache between hash, parser and copy. */
const READ_BYTES = 256 * 1024;

/**
 * Fills a folder from a layer's blob: a file, plain or compressed with gzip or zstd. Memory is bounded by some chunks of
 * it. When it rejects, nothing writes into the folder any more. The data is not on the disk by then: the stores' delayed
 * sync brings it there. Throws `tar.*`, `image.forbiddenEntry`, `image.unpack`, `image.cancelled` and the like.
 */
export async function unpackBlob(blob: string, target: ArchiveTarget): Promise<UnpackedLayer> {
  await using file = await open(blob, 'r').catch((error: unknown) => {
    throw because(errors.unpack(messageOf(error)), error);
  });
  const head = Buffer.alloc(8);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const isPlain = formatOf(head.subarray(0, bytesRead)) === undefined;
  const whiteouts = target.form === 'marked' ? 'kept' : 'translated';
  if (isPlain) {
    // The content goes from file to file without passing through here.
    const options = { whiteouts, copies: true } as const;
    // A SHA-512 says nothing about a DiffID.
    const known = target.verifiedDigest?.startsWith('sha256:') === true ? target.verifiedDigest : undefined;
    const one = { ...target, onUsed: undefined, verifiedDigest: known };
    return await fill(one, { source: file.fd }, options, bytesOf(file, target, { isReused: true }));
  }
  await using stream = Readable.from(bytesOf(file, target, { isReused: false }), { objectMode: false });
  return await fill({ ...target, verifiedDigest: undefined }, {}, { whiteouts }, archiveBytes(stream));
}

/** Reused, the same buffer comes each time; else a new one, for what was given away may still be on its way. */
async function* bytesOf(
  file: FileHandle,
  target: ArchiveTarget,
  { isReused }: { readonly isReused: boolean },
): AsyncGenerator<Buffer> {
  const own = isReused ? Buffer.allocUnsafeSlow(READ_BYTES) : undefined;
  for (let at = 0; ; ) {
    const buffer = own ?? Buffer.allocUnsafeSlow(READ_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    target.onProgress?.(at);
    yield buffer.subarray(0, bytesRead);
  }
}

async function fill(
  target: ArchiveTarget,
  unpackerOptions: Pick<UnpackerOptions, 'source'>,
  sinkOptions: Pick<LayerSinkOptions, 'whiteouts' | 'copies'>,
  chunks: AsyncIterable<Buffer>,
): Promise<UnpackedLayer> {
  const { signal, idMap, verifiedDigest } = target;
  const hash = verifiedDigest === undefined ? createHash('sha256') : undefined;
  await using unpacker = openUnpacker(target.folder, { program: target.helperProgram, ...unpackerOptions });
  const sink = new LayerSink(unpacker, { ...sinkOptions, ...(idMap ? { idMap } : {}) });
  const reader = new TarReader(sink);
  try {
    if (isAborted(signal)) throw errors.cancelled();
    for await (const chunk of chunks) {
      if (isAborted(signal)) throw errors.cancelled();
      hash?.update(chunk);
      reader.push(chunk);
      await unpacker.ready();
      target.onUsed?.(chunk);
    }
    reader.end();
    const leftOut = await unlessAborted(unpacker.finish(), signal);
    return describe(verifiedDigest ?? (`sha256:${hash!.digest('hex')}` as Digest), sink, leftOut);
  } catch (error) {
    if (isAborted(signal)) throw because(errors.cancelled(), error);
    throw error instanceof SkiffError ? error : because(errors.unpack(messageOf(error)), error);
  }
}

function describe(diffId: Digest, sink: LayerSink, leftOut: readonly number[]): UnpackedLayer {
  return {
    diffId,
    sizeBytes: sink.sizeBytes,
    givesRoot: sink.givesRoot,
    hidesBelow: sink.hidesBelow,
    impliedFolders: sink.impliedFolders,
    missingLinks: leftOut.map((record) => sink.linkOf(record)),
  };
}

/** What the promise gives, or a rejection as soon as the signal is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  promise.catch(() => {});
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(errors.cancelled());
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;
