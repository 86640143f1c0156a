/** The Docker Engine API's shapes for images (docker-engine-api.yaml). */
import type { ContainerSummary } from './containers.ts';
import type { VolumeJson } from './volumes.ts';

/** One row of GET /images/json. */
export interface ImageSummary {
  readonly Id: string;
  readonly ParentId: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  /** Unix seconds. */
  readonly Created: number;
  readonly Size: number;
  /** Before API 1.44. */
  readonly VirtualSize?: number;
  /** -1 where it was not asked for. */
  readonly SharedSize: number;
  readonly Labels: Readonly<Record<string, string>> | null;
  /** -1 where they are not counted. */
  readonly Containers: number;
}

/** One row of GET /images/{name}/history. */
export interface HistoryItem {
  readonly Id: string;
  /** Unix seconds. */
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Tags: readonly string[] | null;
  readonly Size: number;
  readonly Comment: string;
}

/** One line of a pull, push, load or import. */
export interface ProgressMessage {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly progress?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message?: string };
  readonly aux?: object;
}

/** The `id` of lines of a build that have an event in `aux`: told to clients that ask for them with `events=1`. */
export const BUILD_EVENT = 'skiff.build.event';

/** What a build tells while it goes on. Steps are numbered as in the plan. */
export type BuildStreamEvent =
  | {
      readonly type: 'planned';
      readonly steps: readonly { readonly id: number; readonly name: string; readonly inputs: readonly number[] }[];
    }
  | { readonly type: 'started' | 'cached' | 'done'; readonly step: number }
  | { readonly type: 'failed'; readonly step: number; readonly message: string }
  /** `data` is base64. */
  | { readonly type: 'log'; readonly step: number; readonly stream: 1 | 2; readonly data: string }
  | ({ readonly type: 'status'; readonly step: number; readonly id: string } & BuildAmount)
  | ({ readonly type: 'pull'; readonly reference: string; readonly id?: string } & BuildAmount)
  /** Base images are here. */
  | { readonly type: 'pulled' }
  /** For the user, about the whole build. */
  | { readonly type: 'notice'; readonly text: string };

export interface BuildAmount {
  readonly status: string;
  readonly current?: number;
  readonly total?: number;
}

/** What one type of object takes on the disk. */
export interface TypeUsage<Item> {
  readonly ActiveCount: number;
  readonly TotalCount: number;
  /** Bytes. */
  readonly Reclaimable: number;
  readonly TotalSize: number;
  /** Where everything was asked for in full. */
  readonly Items?: readonly Item[];
}

/** One row of the build cache. */
export interface BuildCacheRow {
  readonly ID: string;
  readonly Parents: readonly string[] | null;
  readonly Type: string;
  readonly Description: string;
  readonly InUse: boolean;
  readonly Shared: boolean;
  readonly Size: number;
  /** RFC 3339. */
  readonly CreatedAt: string;
  readonly LastUsedAt: string | null;
  readonly UsageCount: number;
}

/** Answer of GET /system/df; a type that was not asked for is not there. */
export interface DiskUsageAnswer {
  readonly ImageUsage?: TypeUsage<ImageSummary>;
  readonly ContainerUsage?: TypeUsage<ContainerSummary>;
  readonly VolumeUsage?: TypeUsage<VolumeJson>;
  readonly BuildCacheUsage?: TypeUsage<BuildCacheRow>;
}

/** Answer of POST /skiff/fsck. */
export interface FsckAnswer {
  readonly Faults: readonly {
    readonly kind: string;
    readonly subject: string;
    readonly message: string;
    readonly isRepaired: boolean;
  }[];
}
