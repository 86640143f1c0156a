/** Sessions: connections over which a build asks its client for files, secrets and credentials. */
import type { Duplex } from 'node:stream';
import { GrpcClient } from '#rpc/grpc';
import { errors } from './errors.ts';

export interface Session {
  readonly id: string;
  readonly sharedKey: string;
  readonly client: GrpcClient;
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal;
  /** Whether the client offers a method, by its full path. */
  offers(method: string): boolean;
}

/** What a client says of itself when it joins. */
export interface SessionOffer {
  readonly id: string;
  /** Full paths of the methods it answers. */
  readonly methods: readonly string[];
  /** Its name for the folder it builds; '' without. */
  readonly sharedKey: string;
}

/** compat: how long a build waits for the session it names. */
const WAIT_MS = 5000;

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Takes the connection over, and serves until it ends. Throws `buildkit.sessionTaken`. */
  add({ id, methods, sharedKey }: SessionOffer, take: () => Duplex): Promise<void> {
    if (this.#sessions.has(id)) throw errors.sessionTaken(id);
    const offered = new Set(methods.map((method) => method.toLowerCase()));
    const client = new GrpcClient(take());
    const gone = new AbortController();
    const offers = (method: string): boolean => offered.has(method.toLowerCase());
    const session: Session = { id, sharedKey, client, gone: gone.signal, offers };
    this.#sessions.set(id, session);
    for (const wake of this.#waiting.get(id) ?? []) wake();
    return client.closed.then(() => {
      this.#sessions.delete(id);
      gone.abort();
    });
  }

  /** The session of that name, which may still be on its way. Throws `buildkit.noSession`. */
  async get(id: string): Promise<Session> {
    const there = this.#sessions.get(id);
    if (there) return there;
    const waiting = this.#waiting.getOrInsertComputed(id, () => new Set());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, WAIT_MS);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      waiting.add(done);
    });
    this.#waiting.delete(id);
    const session = this.#sessions.get(id);
    if (!session) throw errors.noSession(id);
    return session;
  }
}
