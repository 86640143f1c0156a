/** Adds up the sizes of what is in a folder. */
import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { errnoCode } from '#base';

/** compat: as Docker counts: files, symlinks too, and hard links once. What goes meanwhile is not counted. */
export async function measureTree(root: string): Promise<number> {
  const seen = new Set<string>();
  const folders = [root];
  let bytes = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of entriesOf(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else bytes += await sizeOf(path, seen);
    }
  }
  return bytes;
}

async function* entriesOf(folder: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(folder);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT' && errnoCode(error) !== 'ENOTDIR') throw error;
  }
}

async function sizeOf(path: string, seen: Set<string>): Promise<number> {
  try {
    const { size, nlink, dev, ino } = await lstat(path);
    if (nlink > 1) {
      const id = `${dev}:${ino}`;
      if (seen.has(id)) return 0;
      seen.add(id);
    }
    return size;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
