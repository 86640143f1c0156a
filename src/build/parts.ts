/** What the parts of the builder share; the daemon wires it. */
import type { KeyedMutex, Log } from '#base';
import type { BuildLayers, Images } from '#images';
import type { HostFacts } from '#linux';
import type { Networks } from '#network';
import type { ContainerRuntime, SeccompWish } from '#runtime';
import type { BuildCache } from './cache/build-cache.ts';
import type { CacheMounts } from './cache/cache-mounts.ts';

export interface BuildOptions {
  readonly dataRoot: string;
  readonly execRoot: string;
  /** The cgroup above those of steps, such as `/skiff`. */
  readonly cgroupParent: string;
  /** Bytes the cache may take of the disk; may change while the daemon runs. */
  readonly cacheBudgetBytes: () => number;
}

export interface BuildParts {
  readonly options: BuildOptions;
  readonly images: Images;
  readonly layers: BuildLayers;
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  readonly runtime: ContainerRuntime;
  readonly networks: Networks;
  readonly facts: HostFacts;
  readonly locks: KeyedMutex;
  readonly log: Log;
  /** Of programs of steps; may change while the daemon runs. */
  readonly seccomp: () => SeccompWish;
}
