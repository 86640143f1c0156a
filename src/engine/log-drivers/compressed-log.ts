/**
 * Old log files in gzip: written once, read from the beginning only. What was compressed stands in the header, so that a
 * reader that has the file in both forms knows it is one.
 */
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createDeflateRaw, createGunzip } from 'node:zlib';
import { errors } from '../errors.ts';

/** A file as it was when it was compressed. An inode is given to another file later, but not with the same time. */
export interface Original {
  readonly inode: bigint;
  readonly modifiedNs: bigint;
}

const CHUNK = 256 * 1024;
/** Lines that come meanwhile need room more than old ones need to be small. */
const KEPT_FREE_BYTES = 16 * 1024 * 1024;
const HEADER_BYTES = 32;
/** spec: RFC 1952: magic, deflate, with extra fields, no time, no level, unknown system; one field of ours of 16 bytes. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 20, 0, 0x53, 0x4b, 16, 0]);

/**
 * Writes `to`, which must not be there, and brings it to the disk. Leaves what it wrote when it fails. Throws `container.logRoom`
 * when little of the disk is free: the container would lose lines for it.
 */
export async function compressLog(from: FileHandle, to: string, signal: AbortSignal): Promise<Original> {
  const { ino: inode, mtimeNs: modifiedNs } = await from.stat({ bigint: true });
  await checkRoom(dirname(to));
  const target = await open(to, 'wx', 0o640);
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    HEADER.copy(header);
    header.writeBigUInt64LE(inode, HEADER.length);
    header.writeBigUInt64LE(modifiedNs, HEADER.length + 8);
    await target.writeFile(header);
    let check = 0;
    let length = 0;
    await pipeline(
      async function* () {
        for await (const chunk of bytesOf(from)) {
          check = crc32(chunk, check);
          length += chunk.length;
          yield chunk;
        }
      },
      createDeflateRaw({ chunkSize: CHUNK }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          await checkRoom(to);
          await target.writeFile(chunk);
        }
      },
      { signal },
    );
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(check, 0);
    trailer.writeUInt32LE(length % 2 ** 32, 4);
    await target.writeFile(trailer);
    await target.datasync();
  } finally {
    await target.close();
  }
  return { inode, modifiedNs };
}

async function checkRoom(path: string): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  if (bavail * bsize < KEPT_FREE_BYTES) throw errors.logRoom(path, KEPT_FREE_BYTES / 2 ** 20);
}

/** What it was made of; undefined for a file that is not one of ours. */
export async function originalOf(file: FileHandle): Promise<Original | undefined> {
  const header = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
  if (bytesRead < HEADER_BYTES || header.compare(HEADER, 0, HEADER.length, 0, HEADER.length) !== 0) return undefined;
  return { inode: header.readBigUInt64LE(HEADER.length), modifiedNs: header.readBigUInt64LE(HEADER.length + 8) };
}

/** What was compressed, from its byte `start` on. A file that is damaged ends where it is. */
export async function* inflated(file: FileHandle, start: number): AsyncGenerator<Buffer> {
  const source = Readable.from(bytesOf(file));
  const gunzip = createGunzip({ chunkSize: CHUNK });
  source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  let skip = start;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      if (skip < chunk.length) yield chunk.subarray(skip);
      skip = Math.max(0, skip - chunk.length);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

/** From the beginning. A stream of the file's own would close it. */
async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let offset = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
