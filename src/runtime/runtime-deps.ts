/** What every maker of processes works with; one set per daemon. */
import type { Log } from '#base';
import type { CgroupHost, HostFacts, Launcher } from '#linux';
import type { SeccompCache } from './seccomp/program.ts';

export interface RuntimeDeps {
  readonly launcher: Launcher;
  readonly facts: HostFacts;
  readonly cgroupHost: CgroupHost;
  readonly seccomp: SeccompCache;
  readonly helperProgram: string;
  readonly log: Log;
  /** For one run of a foreign runtime; undefined: see foreign/patience.ts. */
  readonly foreignPatienceMs?: number;
}
