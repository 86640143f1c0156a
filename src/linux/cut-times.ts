/** Makes times of a tree's files no later than a given one; nothing is followed. */
import { lstat, lutimes, readdir } from 'node:fs/promises';

/** Whole seconds since 1970. Nobody writes into the tree meanwhile. */
export async function cutTimes(folder: string | Buffer, latestSeconds: number): Promise<void> {
  const root = Buffer.from(folder);
  for (const entry of await readdir(root, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([root, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) await cutTimes(path, latestSeconds);
    else await cut(path, latestSeconds);
  }
  await cut(root, latestSeconds);
}

async function cut(path: Buffer, latestSeconds: number): Promise<void> {
  const { mtimeMs } = await lstat(path);
  if (mtimeMs > latestSeconds * 1000) await lutimes(path, latestSeconds, latestSeconds);
}
