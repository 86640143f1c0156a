/** Files of this machine as a tar, under another name. Extended attributes stay behind: Node cannot read them. */
import { constants, lstatSync, type BigIntStats, readdirSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteString, byteString, encodeTarEntry, TAR_END, type TarEntry, tarEntry, tarPadding } from '#wire';
import { fileError } from '../errors.ts';

const CHUNK_BYTES = 256 * 1024;

/** `path`, followed no further, with all below it; entries are called `name` and `name/…`. Throws `cli.invalid`. */
export async function* packLocal(path: string, name: string): AsyncGenerator<Buffer> {
  yield* packEntry(path, name, { links: new Map(), leavesOut: () => false });
  yield TAR_END;
}

/**
 * What is in a folder, without what `leavesOut` says of its path inside (`a/b`); the end of the archive is the caller's.
 * Throws `cli.invalid`.
 */
export async function* packFolder(
  path: string,
  leavesOut: (inside: string, isFolder: boolean) => boolean,
): AsyncGenerator<Buffer> {
  const packing = { links: new Map<string, ByteString>(), leavesOut };
  for (const each of namesIn(path)) yield* packEntry(join(path, each), each, packing);
}

interface Packing {
  /** Names in the archive of files with several. */
  readonly links: Map<string, ByteString>;
  readonly leavesOut: (name: string, isFolder: boolean) => boolean;
}

async function* packEntry(path: string, name: string, packing: Packing): AsyncGenerator<Buffer> {
  const { links, leavesOut } = packing;
  const stats = lstatOf(path);
  if (leavesOut(name, stats.isDirectory())) return;
  const common = {
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
  };
  const encode = (type: TarEntry['type'], more: Partial<TarEntry> = {}): Buffer =>
    encodeTarEntry(tarEntry(type === 'directory' ? `${name}/` : name, type, { ...common, ...more }));
  if (stats.isDirectory()) {
    yield encode('directory');
    for (const each of namesIn(path)) yield* packEntry(join(path, each), `${name}/${each}`, packing);
  } else if (stats.isSymbolicLink()) {
    yield encode('symlink', { linkPath: byteString(readlinkSync(path)) });
  } else if (stats.isFile()) {
    const key = `${stats.dev}:${stats.ino}`;
    const first = stats.nlink > 1n ? links.get(key) : undefined;
    if (first !== undefined) {
      yield encode('hard-link', { linkPath: first });
      return;
    }
    links.set(key, byteString(name));
    yield* packFile(path, encode);
  } else if (stats.isFIFO()) {
    yield encode('fifo');
  } else if (stats.isCharacterDevice() || stats.isBlockDevice()) {
    yield encode(stats.isCharacterDevice() ? 'character-device' : 'block-device', devicesOf(stats));
  }
  // compat: sockets are left out.
}

/** As many bytes as it had when it was opened, whatever happens to it meanwhile. */
async function* packFile(
  path: string,
  encode: (type: TarEntry['type'], more: Partial<TarEntry>) => Buffer,
): AsyncGenerator<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error) => {
      throw fileError('open', path, error);
    },
  );
  const { size } = await file.stat();
  yield encode('file', { size });
  for (let left = size; left > 0; ) {
    const buffer = Buffer.alloc(Math.min(left, CHUNK_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    // A file that became shorter ends in zeros.
    const piece = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
    left -= piece.length;
    yield piece;
  }
  yield tarPadding(size);
}

function lstatOf(path: string): BigIntStats {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    throw fileError('lstat', path, error);
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    throw fileError('open', path, error);
  }
}

/** kernel: how Linux packs a device number into 64 bits. */
function devicesOf({ rdev }: BigIntStats): { devMajor: number; devMinor: number } {
  return {
    devMajor: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    devMinor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}
