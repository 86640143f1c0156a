/**
 * Gives memory back when nothing has been asked for a while. V8 collects when it needs room, and an idle daemon never
 * does: what its last hour's work left behind would stay for days.
 */
import type { Server } from 'node:http';

/** Nothing came in for this long. */
const QUIET_MS = 2000;
/** Between two collections: each stops the daemon for 10 to 30 ms. */
const INTERVAL_MS = 30_000;

export interface IdleMemoryParts {
  /** Absent where Node was started without `--expose-gc`: then nothing happens. */
  readonly collect: (() => void) | undefined;
  readonly nowMs: () => number;
}

/** V8's own, of all it can find: it is called when nobody waits. */
const nodeParts: IdleMemoryParts = {
  collect: globalThis.gc && (() => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })),
  nowMs: () => performance.now(),
};

export class IdleMemory implements Disposable {
  readonly #parts: IdleMemoryParts;
  #timer: NodeJS.Timeout | undefined;
  #askedMs = 0;
  #collectedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: IdleMemoryParts = nodeParts) {
    this.#parts = parts;
  }

  /** Requests to this server are work. */
  watch(server: Server): Server {
    return server.on('request', () => this.touch()).on('upgrade', () => this.touch());
  }

  /** Something is done. */
  touch(): void {
    if (!this.#parts.collect) return;
    this.#askedMs = this.#parts.nowMs();
    this.#timer ??= this.#after(QUIET_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #after(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), milliseconds).unref();
  }

  #look(): void {
    const now = this.#parts.nowMs();
    const early = Math.max(this.#askedMs + QUIET_MS, this.#collectedMs + INTERVAL_MS) - now;
    if (early > 0) {
      this.#timer = this.#after(early);
      return;
    }
    this.#timer = undefined;
    this.#collectedMs = now;
    this.#parts.collect?.();
  }
}
