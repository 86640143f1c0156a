/**
 * Restarts that are due: one timer per container that waits for its next start. In memory only: a record that says
 * `restarting` is what a later daemon goes by.
 */

export interface Restarts {
  /** Calls `start` after the delay, unless it is cancelled before. One per container. */
  schedule(id: string, delayMs: number, start: () => void): void;
  /** No restart from now on: neither the one that is due nor one after an end that is still to come. */
  cancel(id: string): void;
  isCancelled(id: string): boolean;
  /** Somebody starts it: what was cancelled may be again, and delays begin anew. */
  reset(id: string): void;
  /** The delay before the last restart; 0 when there was none. */
  lastDelayMs(id: string): number;
  /** Resolves when the restart of this container has been given up. */
  whenSettled(id: string): Promise<void>;
  /** Tells those who wait that it stays down. */
  settle(id: string): void;
  /** It runs again: who waited for it to stay down goes on waiting for its end. */
  begun(id: string): void;
  /** Everything about a container that is gone. */
  forget(id: string): void;
  /** Somebody stops it to start it again: until this is disposed, `--rm` has to wait. */
  hold(id: string): Disposable;
  isHeld(id: string): boolean;
  /** No restart of any container from now on, nor any other start: the daemon stops. */
  close(): void;
  readonly isClosed: boolean;
}

export function createRestarts(): Restarts {
  const timers = new Map<string, NodeJS.Timeout>();
  const delays = new Map<string, number>();
  const cancelled = new Set<string>();
  const settled = new Map<string, PromiseWithResolvers<void>>();
  const holds = new Map<string, number>();
  let closed = false;
  const clear = (id: string): void => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };
  return {
    schedule: (id, delayMs, start) => {
      clear(id);
      if (closed || cancelled.has(id)) return;
      delays.set(id, delayMs);
      const fire = (): void => {
        timers.delete(id);
        start();
      };
      timers.set(id, setTimeout(fire, delayMs));
    },
    cancel: (id) => {
      cancelled.add(id);
      clear(id);
    },
    isCancelled: (id) => closed || cancelled.has(id),
    reset: (id) => {
      clear(id);
      cancelled.delete(id);
      delays.delete(id);
    },
    lastDelayMs: (id) => delays.get(id) ?? 0,
    whenSettled: (id) => settled.getOrInsertComputed(id, () => Promise.withResolvers<void>()).promise,
    settle: (id) => {
      settled.get(id)?.resolve();
      settled.delete(id);
    },
    begun: (id) => void settled.delete(id),
    forget: (id) => {
      clear(id);
      settled.get(id)?.resolve();
      settled.delete(id);
      cancelled.delete(id);
      delays.delete(id);
    },
    hold: (id) => {
      holds.set(id, (holds.get(id) ?? 0) + 1);
      return {
        [Symbol.dispose]: () => {
          const left = holds.get(id)! - 1;
          if (left > 0) holds.set(id, left);
          else holds.delete(id);
        },
      };
    },
    isHeld: (id) => holds.has(id),
    get isClosed() {
      return closed;
    },
    close: () => {
      closed = true;
      for (const id of [...timers.keys()]) clear(id);
    },
  };
}
