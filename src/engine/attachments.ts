/** Clients that attached before their container started: the start waits for none of them, but connects all of them first. */
import type { Socket } from 'node:net';
import type { AttachEffect, AttachOptions, RunningProcess } from '#runtime';

interface Pending {
  readonly options: AttachOptions;
  readonly resolve: (socket: Socket) => void;
  readonly reject: (error: Error) => void;
  /** The client went away while it was being connected. */
  gone: boolean;
  /** It is being connected already. */
  early?: { readonly socket: Promise<Socket>; readonly releases: boolean };
}

type Attach = (options: AttachOptions, effect: AttachEffect) => Promise<Socket>;

export interface Attachments {
  /** Resolves with the stream once the container is about to run its program. */
  wait(id: string, options: AttachOptions, signal?: AbortSignal): Promise<Socket>;
  has(id: string): boolean;
  /**
   * Connects everybody who waits to the shim of a container that is being made and will be held: beside its making, for
   * `connectAndRelease`. The last connection lets its program run.
   */
  connectEarly(id: string, attach: Attach): void;
  /** Connects everybody who waits for this container. */
  connect(id: string, process: RunningProcess): Promise<void>;
  /** The same for a process that is held until they are there; then its program runs. Throws why it could not. */
  connectAndRelease(id: string, process: RunningProcess): Promise<void>;
  /** Tells everybody who waits that there will be nothing. */
  fail(id: string, error: Error): void;
}

export function createAttachments(): Attachments {
  const waiting = new Map<string, Set<Pending>>();
  const take = (id: string): Pending[] => {
    const pending = [...(waiting.get(id) ?? [])];
    waiting.delete(id);
    return pending;
  };
  return {
    wait: (id, options, signal) => {
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      const { promise, resolve, reject } = Promise.withResolvers<Socket>();
      const entry: Pending = { options, resolve, reject, gone: false };
      const entries = waiting.getOrInsertComputed(id, () => new Set<Pending>());
      entries.add(entry);
      signal?.addEventListener('abort', () => {
        entry.gone = true;
        if (!entry.early) entries.delete(entry);
        if (entries.size === 0 && waiting.get(id) === entries) waiting.delete(id);
        reject(signal.reason as Error);
      });
      return promise;
    },
    has: (id) => waiting.has(id),
    connect: async (id, process) => {
      await Promise.all(take(id).map((entry) => connectOne(entry, process, { release: false })));
    },
    connectEarly: (id, attach) => {
      const [last, ...others] = waiting.get(id) ?? [];
      if (!last) return;
      const sockets = others.map((entry) => attach(entry.options, { release: false }));
      for (const [index, entry] of others.entries()) entry.early = { socket: sockets[index]!, releases: false };
      const socket = Promise.allSettled(sockets).then(() => attach(last.options, { release: true }));
      last.early = { socket, releases: true };
      // Who takes them up hears why they failed; when there is nothing to connect to, nobody does.
      for (const { early } of [last, ...others]) early?.socket.catch(() => {});
    },
    connectAndRelease: async (id, process) => {
      const entries = take(id);
      const last = entries.find(({ early }) => early?.releases) ?? entries[0];
      const others = entries.filter((entry) => entry !== last);
      await Promise.all(others.map((entry) => connectOne(entry, process, { release: false })));
      // Mostly there is one client: no second connection just to say it.
      if (last && (await connectOne(last, process, { release: true }))) await process.started;
      else await process.release();
    },
    fail: (id, error) => {
      for (const { reject, early } of take(id)) {
        reject(error);
        void early?.socket.then(
          (socket) => socket.destroy(),
          () => {},
        );
      }
    },
  };
}

/** Whether it is connected. A connection nobody reads from would hold the container up. */
async function connectOne(entry: Pending, process: RunningProcess, effect: AttachEffect): Promise<boolean> {
  try {
    const socket = await (entry.early?.socket ?? process.attach(entry.options, effect));
    if (entry.gone) socket.destroy();
    else entry.resolve(socket);
    return true;
  } catch (error) {
    entry.reject(error instanceof Error ? error : new Error(String(error)));
    return false;
  }
}
