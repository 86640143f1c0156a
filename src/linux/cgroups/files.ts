/**
 * The cgroup file system as five calls, synchronous because the start of a container waits for every one of them.
 *
 * Failures are SyscallErrors with errno and path.
 */
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeSync } from 'node:fs';
import { errnoCode, SyscallError } from '#base';

/** What cgroup code needs of a file system; a temporary folder serves as well as the kernel's. */
export interface CgroupFiles {
  /** The whole file without the final newline. */
  read(path: string): string;
  /** One write(2) of the whole value to a file that exists. */
  write(path: string, value: string): void;
  mkdir(path: string): void;
  rmdir(path: string): void;
  /** Names of the folders in a folder. */
  list(path: string): string[];
}

export const kernelFiles: CgroupFiles = {
  read: (path) => attempt('read', path, () => readFileSync(path, 'utf8').replace(/\n$/, '')),
  write: (path, value) => attempt('write', path, () => writeOnce(path, value)),
  mkdir: (path) => attempt('mkdir', path, () => mkdirSync(path, 0o755)),
  rmdir: (path) => attempt('rmdir', path, () => rmdirSync(path)),
  list: (path) =>
    attempt('readdir', path, () =>
      readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])),
    ),
};

/** The file's text, or undefined where it, its folder or its controller does not exist (any more). */
export function readOptional(files: CgroupFiles, path: string): string | undefined {
  try {
    return files.read(path);
  } catch (error) {
    // kernel: reading a file of a cgroup that is being removed gives ENODEV; files of features that are off,
    // such as hugetlb or swap accounting, may give EOPNOTSUPP.
    if (hasErrno(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP')) return undefined;
    throw error;
  }
}

/** Whether an error is a kernel refusal with one of these errnos. */
export function hasErrno(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof SyscallError && names.includes(error.errno);
}

/** kernel: some files are write-only, and none may be created, so neither 'w' nor 'r+' of Node will do. */
function writeOnce(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

function attempt<Result>(call: string, path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    const errno = errnoCode(error);
    throw errno === undefined ? error : new SyscallError(call, errno, path);
  }
}
