/** Containers with a process: the handle to it, and the promise that its end has been recorded. */
import type { RunningProcess } from '#runtime';

export interface LiveContainer {
  readonly process: RunningProcess;
  /** Fulfilled when the exit stands in the record and waiters may be told. */
  readonly recorded: Promise<void>;
  /** Fulfilled when everything of the run has been cleaned up. */
  readonly cleaned: Promise<void>;
}

export type LiveContainers = Map<string, LiveContainer>;
