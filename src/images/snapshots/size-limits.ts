/**
 * How large a container's own folders may get: a project of the file system's quota for each container with a limit.
 *
 * The project's number is in a record before it is used, so that two containers never share one.
 */
import { because, type RecordStore, type RecordStores, SyscallError } from '#base';
import { limitFolders } from '#linux';
import { errors } from '../errors.ts';

interface ProjectRecord {
  readonly version: 1;
  readonly projectId: number;
}

/** Numbers below are left to those who give projects to folders by hand. */
const FIRST_PROJECT = 1_000_000;

export class SizeLimits {
  readonly #records: RecordStore<ProjectRecord>;
  readonly #helperProgram: string;

  constructor({ records, helperProgram }: { readonly records: RecordStores; readonly helperProgram: string }) {
    this.#records = records.of<ProjectRecord>('project');
    this.#helperProgram = helperProgram;
  }

  /** Limits empty folders together. Throws `image.noSizeLimit`, which says what the host lacks. */
  set(containerId: string, folders: readonly string[], bytes: number): void {
    const projectId = this.#records.get(containerId)?.projectId ?? this.#free();
    this.#records.put(containerId, { version: 1, projectId });
    try {
      limitFolders(folders, { projectId, bytes }, { program: this.#helperProgram });
    } catch (error) {
      this.#records.delete(containerId);
      throw error instanceof SyscallError ? because(errors.noSizeLimit(reasonOf(error)), error) : error;
    }
  }

  /** The folders are gone. */
  forget(containerId: string): void {
    if (this.#records.get(containerId)) this.#records.delete(containerId);
  }

  #free(): number {
    const taken = new Set(this.#records.list().map(({ projectId }) => projectId));
    let projectId = FIRST_PROJECT;
    while (taken.has(projectId)) projectId += 1;
    return projectId;
  }
}

function reasonOf({ errno, subject }: SyscallError): string {
  if (errno === 'ENOSYS') return 'the kernel is older than Linux 5.14 or has no quotas (CONFIG_QUOTA)';
  if (errno === 'EPERM') return `the daemon may not set quotas (${subject})`;
  return (
    `the file system of the data folder has no project quotas, or they are off (${errno}): ` +
    'ext4 wants the features quota and project and the mount option prjquota, xfs the mount option prjquota'
  );
}
