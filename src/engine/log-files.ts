/**
 * The files of one log, known by inode, so that a rotation in the middle of reading loses and doubles nothing. An old one
 * may have been compressed meanwhile: it is known by the inode it had.
 */
import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoCode } from '#base';
import { type Original, originalOf } from './log-drivers/compressed-log.ts';

export interface LogFile {
  readonly handle: FileHandle;
  /** kernel: not given to another file as long as this one is open. */
  readonly inode: bigint;
  /** It is in gzip, made of this one. */
  readonly compressed?: Original | 'unknown';
}

export interface LogPlace {
  readonly path: string;
  /** The current one included. */
  readonly maxFiles: number;
}

/** Rotations that may come between two looks before we take what there is. */
const TRIES = 10_000;
/** Looks, a millisecond apart, after which a file that is missing is taken for removed. */
const GAP_TRIES = 200;
/** Numbers without a file that may come before one that has: a rotation leaves one free at a time. */
const MAX_GAP = 16;

/**
 * All files there were when it began, oldest first. The caller closes them. They are opened newest first: a rotation
 * meanwhile moves files towards the names that come later, so that none is missed. When the newest is met once more, what
 * was opened since is either newer than it or comes again behind it.
 */
export async function openAll(place: LogPlace): Promise<LogFile[]> {
  const files: LogFile[] = [];
  let gap = 0;
  for (const names of namesOf(place)) {
    gap += 1;
    for (const name of names) {
      const file = await openIfThere(name);
      if (!file) continue;
      gap = 0;
      const [newest] = files;
      if (newest && (await areSame(file, newest))) {
        await closeAll([file, ...files.splice(1)]);
      } else if (await isAmong(file, files)) {
        await file.handle.close();
      } else files.push(file);
    }
    if (gap > MAX_GAP) break;
  }
  return files.reverse();
}

/** The first there is. */
export async function openOldest(place: LogPlace): Promise<LogFile | undefined> {
  const [oldest, ...others] = await openAll(place);
  await closeAll(others);
  return oldest;
}

/** False once it has been put away by a rotation. */
export function isCurrent({ path }: LogPlace, file: LogFile): boolean {
  const inode = inodeOf(path);
  return inode === undefined || inode === file.inode;
}

/** The file that was begun when this one was put away; the oldest there is when this one has been dropped meanwhile. */
export async function openNext(place: LogPlace, file: LogFile): Promise<LogFile | undefined> {
  for (let turn = 1; ; turn++) {
    const at = await numberOf(place, file);
    if (at === 0) return openIfThere(place.path);
    const next = at > 0 ? await openNumber(place, at - 1) : await openOldest(place);
    // Another rotation would have moved a later file to that name.
    const still = at < 0 || (await numberOf(place, file)) === at;
    if ((still && (next || at < 0)) || turn === TRIES) return next;
    await next?.handle.close();
    if (!still) continue;
    // Rotating moves one file after the other: the name is free for a moment. Or somebody has removed that file.
    if (turn > GAP_TRIES) return openNewer(place, at - 1);
    await pause(1);
  }
}

/** The first there is of those with a lower number, which are newer. */
async function openNewer(place: LogPlace, below: number): Promise<LogFile | undefined> {
  for (let number = below - 1; number >= 0; number -= 1) {
    const found = await openNumber(place, number);
    if (found) return found;
  }
  return undefined;
}

export async function closeAll(files: readonly LogFile[]): Promise<void> {
  for (const { handle } of files) await handle.close();
}

/** The names each has: the current one, then those of `.1`, the newest of the old ones, and so on. */
function namesOf({ path, maxFiles }: LogPlace): string[][] {
  const old = Array.from({ length: Math.max(0, maxFiles - 1) }, (_, index) => `${path}.${index + 1}`);
  // In this order: the compressed one is there before the other goes.
  return [[path], ...old.map((name) => [name, `${name}.gz`])];
}

/** Where a file is now: 0 is the current one; -1 when it is no longer there. */
async function numberOf(place: LogPlace, file: LogFile): Promise<number> {
  for (const [number, [plain = '', compressed]] of namesOf(place).entries()) {
    if (inodeOf(plain) === file.inode) return number;
    if (compressed === undefined || inodeOf(compressed) === undefined) continue;
    const found = await openIfThere(compressed);
    if (!found) continue;
    try {
      if (await areSame(found, file)) return number;
    } finally {
      await found.handle.close();
    }
  }
  return -1;
}

async function openNumber(place: LogPlace, number: number): Promise<LogFile | undefined> {
  for (const name of namesOf(place)[number] ?? []) {
    const file = await openIfThere(name);
    if (file) return file;
  }
  return undefined;
}

/** Whether they hold the same lines. */
async function areSame(one: LogFile, other: LogFile): Promise<boolean> {
  if (one.inode === other.inode) return true;
  if (!one.compressed && !other.compressed) return false;
  const [a, b] = [await originOf(one), await originOf(other)];
  return a !== undefined && b !== undefined && a.inode === b.inode && a.modifiedNs === b.modifiedNs;
}

async function isAmong(file: LogFile, files: readonly LogFile[]): Promise<boolean> {
  for (const each of files) if (await areSame(file, each)) return true;
  return false;
}

async function originOf({ handle, inode, compressed }: LogFile): Promise<Original | undefined> {
  if (compressed) return compressed === 'unknown' ? undefined : compressed;
  return { inode, modifiedNs: (await handle.stat({ bigint: true })).mtimeNs };
}

async function openIfThere(path: string): Promise<LogFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const inode = (await handle.stat({ bigint: true })).ino;
    if (!path.endsWith('.gz')) return { handle, inode };
    return { handle, inode, compressed: (await originalOf(handle)) ?? 'unknown' };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}
