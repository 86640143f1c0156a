/** What is kept of a container: plain, versioned, complete enough to go on after a killed daemon. */
import type { ContainerId, RecordStore } from '#base';
import type { NetworkState } from '#network';
import type { RuntimeProgram } from '#runtime';
import type { Healthcheck } from '#specs';
import type { ContainerSettings } from './container-settings.ts';
import type { Health } from './health/healthcheck.ts';
import type { Status } from './lifecycle.ts';
import type { MountPoint } from './mounts/mount-setting.ts';

export interface ContainerRecord {
  readonly version: 1;
  readonly id: ContainerId;
  readonly name: string;
  /** ISO 8601 with nanoseconds, as Docker shows it. */
  readonly createdAt: string;
  readonly imageId: string;
  readonly settings: ContainerSettings;
  /** What runs, after the image's defaults. */
  readonly program: ResolvedProgram;
  /** Missing in records of versions without volumes. */
  readonly mounts?: readonly MountPoint[];
  /** It is still being made, volumes and all: a daemon that finds it so was killed meanwhile, and takes it back. */
  readonly unfinished?: true;
  /** Its removal has begun, and is to take the volumes nobody has named along. */
  readonly removesVolumes?: true;
  readonly status: Status;
  /** Present while a process exists. */
  readonly process?: {
    readonly pid: number;
    readonly startTime: string;
    /** What has made it; undefined is our own runtime. */
    readonly runtime?: RuntimeProgram;
    /** The kernel has killed something in it for want of memory. */
    readonly oomKilled?: true;
  };
  /** Present while it runs on networks. */
  readonly network?: NetworkState;
  readonly startedAt?: string;
  readonly exit?: ExitRecord;
  /** Present once it was started with a health check. */
  readonly health?: Health;
  readonly restartCount: number;
  /** Why the last start failed, for inspect. */
  readonly error: string;
  /** Stopped by a user's wish; such a container is not started again by a policy. */
  readonly stoppedByUser: boolean;
}

export interface ResolvedProgram {
  /** The whole argv, with `--init` in front. */
  readonly args: readonly string[];
  /** The two halves as asked for or inherited from the image; null where there is none. */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDirectory: string;
  readonly stopSignal: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Its own and the image's, such as `80/tcp`; missing in records of versions without networks. */
  readonly exposedPorts?: readonly string[];
  /** Folders that are volumes, its own and the image's; missing where there are none. */
  readonly volumes?: readonly string[];
  /** The container's check completed by the image's, as asked for: see ./health/healthcheck.ts. */
  readonly healthcheck?: Healthcheck;
  /** Its own or the image's, for CMD-SHELL; undefined: sh. */
  readonly shell?: readonly string[];
}

export interface ExitRecord {
  /** As a shell would say it: 0 … 255, 128 + signal. */
  readonly code: number;
  readonly finishedAt: string;
  readonly oomKilled: boolean;
}

/** Containers by id, with look-up by name and by prefix as Docker does it. */
export interface Containers {
  get(id: string): ContainerRecord | undefined;
  list(): ContainerRecord[];
  put(record: ContainerRecord): void;
  delete(id: string): void;
  /** A full id, a name (with or without `/`), or a unique prefix; `ambiguous` when several ids begin with it. */
  find(reference: string): ContainerRecord | 'ambiguous' | undefined;
}

/** Keeps all records in memory too: reads never go to the disk. */
export function openContainers(store: RecordStore<ContainerRecord>): Containers {
  const records = new Map<string, ContainerRecord>(store.list().map((record) => [record.id, record]));
  const names = new Map<string, string>([...records.values()].map((record) => [record.name, record.id]));
  return {
    get: (id) => records.get(id),
    list: () => [...records.values()],
    put: (record) => {
      store.put(record.id, record);
      const before = records.get(record.id);
      if (before && before.name !== record.name) names.delete(before.name);
      records.set(record.id, record);
      names.set(record.name, record.id);
    },
    delete: (id) => {
      store.delete(id);
      const record = records.get(id);
      if (record && names.get(record.name) === id) names.delete(record.name);
      records.delete(id);
    },
    find: (reference) => {
      const exact = records.get(reference) ?? records.get(names.get(reference.replace(/^\//, '')) ?? '');
      if (exact) return exact;
      if (!/^[0-9a-f]+$/.test(reference)) return undefined;
      const matches = [...records.keys()].filter((id) => id.startsWith(reference));
      if (matches.length > 1) return 'ambiguous';
      return records.get(matches[0] ?? '');
    },
  };
}
