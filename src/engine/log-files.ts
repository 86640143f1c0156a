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
const TRIES = 20;

/** All files there are, oldest first. The caller closes them. */
export async function openAll(place: LogPlace): Promise<LogFile[]> {
  const names = namesOf(place).reverse();
  for (let turn = 1; ; turn++) {
    const files: LogFile[] = [];
    for (const name of names) {
      const file = await openIfThere(name);
      if (file) files.push(file);
    }
    const now = names.map(inodeOf).filter((inode) => inode !== undefined);
    const same = now.length === files.length && now.every((inode, index) => inode === files[index]!.inode);
    if (same || turn === TRIES) return files;
    await closeAll(files);
  }
}

export function openCurrent({ path }: LogPlace): Promise<LogFile | undefined> {
  return openIfThere(path);
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
