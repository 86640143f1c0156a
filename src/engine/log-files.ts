/** The files of one log, known by inode, so that a rotation in the middle of reading loses and doubles nothing. */
import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoCode } from '#base';

export interface LogFile {
  readonly handle: FileHandle;
  /** kernel: not given to another file as long as this one is open. */
  readonly inode: bigint;
}

export interface LogPlace {
  readonly path: string;
  /** The current one included. */
  readonly maxFiles: number;
}

/** Rotations that may come between two looks before we take what there is. */
const TRIES = 10_000;
/** Names without a file that may come before one that has: a rotation leaves one free at a time. */
const MAX_GAP = 16;

/**
 * All files there were when it began, oldest first. The caller closes them. They are opened newest first: a rotation
 * meanwhile moves files towards the names that come later, so that none is missed. When the newest is met once more, what
 * was opened since is either newer than it or comes again behind it.
 */
export async function openAll(place: LogPlace): Promise<LogFile[]> {
  const files = new Map<bigint, LogFile>();
  let newest: LogFile | undefined;
  let gap = 0;
  for (const name of namesOf(place)) {
    const file = await openIfThere(name);
    gap = file ? 0 : gap + 1;
    if (gap > MAX_GAP) break;
    if (!file) continue;
    newest ??= file;
    if (file.inode === newest.inode) {
      await closeAll([...files.values()].filter((each) => each !== newest));
      files.clear();
      files.set(newest.inode, newest);
    }
    if (files.has(file.inode) && files.get(file.inode) !== file) await file.handle.close();
    else files.set(file.inode, file);
  }
  return [...files.values()].reverse();
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
  const names = namesOf(place);
  for (let turn = 1; ; turn++) {
    const at = names.findIndex((name) => inodeOf(name) === file.inode);
    if (at === 0) return openIfThere(place.path);
    const name = at > 0 ? names[at - 1]! : (names.findLast((each) => inodeOf(each) !== undefined) ?? place.path);
    const next = await openIfThere(name);
    // Another rotation would have moved a later file to that name.
    const still = at < 0 || inodeOf(names[at]!) === file.inode;
    if (still || turn === TRIES) return next;
    await next?.handle.close();
  }
}

export async function closeAll(files: readonly LogFile[]): Promise<void> {
  for (const { handle } of files) await handle.close();
}

/** The current one, then `.1`, the newest of the old ones, and so on. */
function namesOf({ path, maxFiles }: LogPlace): string[] {
  return [path, ...Array.from({ length: Math.max(0, maxFiles - 1) }, (_, index) => `${path}.${index + 1}`)];
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
    return { handle, inode: (await handle.stat({ bigint: true })).ino };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}
