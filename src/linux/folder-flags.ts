/** What file systems keep about folders besides their attributes: how their content is spread, how large it may get. */
import { SyscallError } from '#base';
import { errnoName } from './errno-name.ts';
import { runFolder } from './helper-modes.ts';

/** ENOTTY, EOPNOTSUPP, EINVAL, EPERM: a file system without such flags, or a container that may not set them. */
const UNKNOWN = new Set(['ENOTTY', 'EOPNOTSUPP', 'ENOTSUP', 'EINVAL', 'EPERM']);

export interface FolderOptions {
  /** The helper's program, where it is not the usual one. */
  readonly program?: string;
}

/**
 * Has the file system spread what is made in the folder over the disk instead of keeping it together; false where it
 * knows no such thing. kernel: ext4 looks for a free inode near the parent folder; where many were deleted, finding one
 * takes ten times as long as writing a small file.
 */
export function spreadFolders(path: string, { program }: FolderOptions = {}): boolean {
  const { errno, detail } = runFolder(['spread', path], program);
  if (errno === 0) return true;
  if (UNKNOWN.has(errnoName(errno))) return false;
  throw new SyscallError('folder flags', errnoName(errno), detail);
}

/**
 * Everything made in these empty folders counts together, for this project of the file system's quota, and is refused
 * (EDQUOT) above so many bytes. Throws a `SyscallError`: EOPNOTSUPP, ESRCH or ENOTTY where project quotas are not there
 * or not on, ENOSYS before Linux 5.14.
 */
export function limitFolders(
  paths: readonly string[],
  { projectId, bytes }: { readonly projectId: number; readonly bytes: number },
  { program }: FolderOptions = {},
): void {
  const { errno, detail } = runFolder(['limit', String(projectId), String(bytes), ...paths], program);
  if (errno !== 0) throw new SyscallError('project quota', errnoName(errno), detail);
}
