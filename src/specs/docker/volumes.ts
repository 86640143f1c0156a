/** The Docker Engine API's shapes for volumes: what we read of requests and write in answers (docker-engine-api.yaml). */

/** Body of POST /volumes/create. */
export interface VolumeCreateBody {
  readonly Name?: string | null;
  readonly Driver?: string | null;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly ClusterVolumeSpec?: object | null;
}

/** Not Docker's. Body of POST /skiff/volumes/{name}/clone and snapshot: `Pause` unless it says false. */
export interface VolumeCopyBody {
  readonly Name?: string | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Pause?: boolean | null;
}

/** Not Docker's. Body of POST /skiff/volumes/{name}/rename. */
export interface VolumeRenameBody {
  readonly Name?: string | null;
}

/** One volume, in lists and alone. */
export interface VolumeJson {
  readonly CreatedAt: string;
  readonly Driver: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Mountpoint: string;
  readonly Name: string;
  readonly Options: Readonly<Record<string, string>> | null;
  readonly Scope: string;
  /** Only of GET /system/df; -1 where it is not known. */
  readonly UsageData?: { readonly Size: number; readonly RefCount: number };
}

export interface VolumeListAnswer {
  readonly Volumes: readonly VolumeJson[];
  readonly Warnings: readonly string[] | null;
}

export interface VolumePruneAnswer {
  readonly VolumesDeleted: readonly string[] | null;
  readonly SpaceReclaimed: number;
}
