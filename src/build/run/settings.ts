/** What a whole build says about the programs it runs. */
import type { Resources, Rlimit } from '#specs';

export interface RunSettings {
  /** compat: `default`, `bridge`, `none`, `host`, or the name of a network; what steps get that ask for `default`. */
  readonly networkMode: string;
  /** `NAME:ADDRESS` or `NAME=ADDRESS`. */
  readonly extraHosts: readonly string[];
  readonly shmSizeBytes: number;
  readonly resources: Resources;
  readonly rlimits: readonly Rlimit[];
  /** Undefined: the daemon's. */
  readonly cgroupParent: string | undefined;
  /** What steps may ask for besides what every container has (compat: `--allow`). */
  readonly rights: readonly RunRight[];
}

export type RunRight = 'network.host' | 'security.insecure';

export const defaultRunSettings: RunSettings = {
  networkMode: 'default',
  extraHosts: [],
  shmSizeBytes: 64 * 1024 * 1024,
  resources: {},
  rlimits: [],
  cgroupParent: undefined,
  rights: [],
};

/** What a build gives its steps besides files; each door has its own way to get at them. */
export interface RunGifts {
  /** The content of a secret, by its id. */
  secret(id: string): Promise<Buffer | undefined>;
  /** A socket of an SSH agent on this host, by its id; it stays until the step has ended. */
  sshSocket(id: string): Promise<(AsyncDisposable & { readonly path: string }) | undefined>;
}

export const noGifts: RunGifts = {
  secret: async () => undefined,
  sshSocket: async () => undefined,
};
