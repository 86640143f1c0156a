/**
 * Cgroups as folders: making them step by step, listing and removing them with everything below.
 */
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CgroupFiles, hasErrno, readOptional } from './files.ts';

/**
 * Makes a folder and the missing ones above it; `made` is called for each in order, before the next is made, so that
 * a caller can prepare it and knows what to take back. Gives whether the folder itself is new.
 */
export function makeFolders(files: CgroupFiles, folder: string, made: (folder: string) => void): boolean {
  try {
    files.mkdir(folder);
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false;
    if (!hasErrno(error, 'ENOENT') || folder === '/') throw error;
    makeFolders(files, posix.dirname(folder), made);
    files.mkdir(folder);
  }
  made(folder);
  return true;
}

/** Process ids in a folder, and below it when asked; none when it does not exist. */
export function pidsIn(files: CgroupFiles, folder: string, recursive: boolean): number[] {
  const pids = (readOptional(files, `${folder}/cgroup.procs`) ?? '').split('\n').filter((line) => line !== '');
  // kernel: in pid namespaces that cannot see a process its id reads as 0.
  const own = pids.map(Number).filter((pid) => pid > 0);
  if (!recursive) return own;
  return [...own, ...children(files, folder).flatMap((child) => pidsIn(files, child, true))];
}

/** The folders in a folder; none when it does not exist. */
function children(files: CgroupFiles, folder: string): string[] {
  try {
    return files.list(folder).map((name) => `${folder}/${name}`);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENODEV')) return [];
    throw error;
  }
}

/** How long a cgroup whose last process has ended may stay busy. */
const BUSY_MS = 2000;

/** Removes a folder with all below, deepest first. A folder that is gone already is success. */
export async function removeFolders(files: CgroupFiles, folder: string): Promise<void> {
  // Mostly there are no children: then one call is all it takes.
  if (tryRemove(files, folder)) return;
  for (const child of children(files, folder)) await removeFolders(files, child);
  const deadline = performance.now() + BUSY_MS;
  for (let pause = 1; !tryRemove(files, folder); pause = Math.min(2 * pause, 50)) {
    // kernel: a cgroup stays busy for a moment after its last process is gone.
    if (performance.now() > deadline) return files.rmdir(folder);
    await sleep(pause);
  }
}

/** Whether the folder is gone now. Failures other than "busy" are thrown. */
export function tryRemove(files: CgroupFiles, folder: string): boolean {
  try {
    files.rmdir(folder);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true;
    if (hasErrno(error, 'EBUSY', 'ENOTEMPTY')) return false;
    throw error;
  }
}
