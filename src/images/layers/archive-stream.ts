/** The bytes of an archive, uncompressed, whether it comes plain or compressed with gzip, zstd, xz or bzip2. */
import type { Duplex, Readable } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { because, messageOf, SkiffError } from '#base';
import { errors } from '../errors.ts';
import { programDecoder } from './program-decoder.ts';

/** Larger pieces make inflating about twice as fast as node's default of 16 KiB. */
const CHUNK_BYTES = 256 * 1024;

/** The bytes formats begin with. */
const MAGIC: readonly (readonly [format: string, magic: Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['bzip2', Buffer.from('BZh')],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['lz4', Buffer.from([0x04, 0x22, 0x4d, 0x18])],
];
const LONGEST_MAGIC = 6;

/**
 * Yields the archive's bytes. The source is not destroyed when reading stops early, for it may be a request that is
 * still to be answered. Throws `image.unknownCompression`, `image.noDecoder`, `image.badCompression`, and what the source
 * fails with.
 */
export async function* archiveBytes(source: Readable): AsyncGenerator<Buffer> {
  const chunks = chunksOf(source);
  try {
    const head = await firstOf(chunks);
    const all = joined(head, chunks);
    const format = formatOf(Buffer.concat(head.map((chunk) => chunk.subarray(0, LONGEST_MAGIC))));
    if (format === undefined) yield* all;
    else yield* decoded(all, format);
  } finally {
    // Lets go of the source. Not waited for: it may be in the middle of a read that never ends.
    chunks.return(undefined).catch(() => {});
  }
}

/** Enough chunks to tell the format, fewer when there are no more. */
async function firstOf(chunks: AsyncGenerator<Buffer>): Promise<Buffer[]> {
  const head: Buffer[] = [];
  for (let length = 0; length < LONGEST_MAGIC; ) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.length;
  }
  return head;
}

/** Undefined for what does not begin as any known compression. */
export function formatOf(head: Buffer): string | undefined {
  return MAGIC.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0];
}

async function* chunksOf(source: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of source.iterator({ destroyOnReturn: false })) {
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array);
  }
}

async function* joined(head: readonly Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* head;
  yield* rest;
}

async function* decoded(chunks: AsyncGenerator<Buffer>, format: string): AsyncGenerator<Buffer> {
  const decoder = decoderFor(format);
  let inputFailure: unknown;
  const feeding = feed(chunks, decoder).catch((error: unknown) => {
    inputFailure = error;
    decoder.destroy();
  });
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof SkiffError) throw error;
    if (inputFailure === undefined) throw because(errors.badCompression(format, messageOf(error)), error);
  } finally {
    decoder.destroy();
  }
  await feeding;
  if (inputFailure !== undefined) throw inputFailure;
}

function decoderFor(format: string): Duplex {
  if (format === 'gzip') return createGunzip({ chunkSize: CHUNK_BYTES });
  if (format === 'zstd') {
    // Windows of up to 128 MiB (`zstd --long`), as the zstd program takes them.
    return createZstdDecompress({ chunkSize: CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: 27 } });
  }
  const decoder = programDecoder(format);
  if (!decoder) throw errors.unknownCompression(format);
  return decoder;
}

async function feed(chunks: AsyncGenerator<Buffer>, decoder: Duplex): Promise<void> {
  for await (const chunk of chunks) {
    if (decoder.destroyed) return;
    if (!decoder.write(chunk)) await drained(decoder);
  }
  decoder.end();
}

/** Resolves when the decoder takes more, or is destroyed. */
async function drained(decoder: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  decoder.once('drain', resolve).once('close', resolve);
  await promise;
  decoder.off('drain', resolve).off('close', resolve);
}
