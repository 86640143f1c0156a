/**
 * OCI runtime-spec 1.3, the answer of `state` and what hooks read on stdin (runtime.md, "State";
 * config-linux.md, "Seccomp", for the message of a notify socket).
 */

/** runtime.md, "State". `pid` is absent when the container is stopped. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: StateStatus;
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type StateStatus = 'creating' | 'created' | 'running' | 'stopped';

/** Sent with the fds over `listenerPath`; `fds` names them in order (`seccompFd` is one). */
export interface ContainerProcessState {
  readonly ociVersion: string;
  readonly fds: readonly string[];
  readonly pid: number;
  readonly metadata?: string;
  readonly state: State;
}
