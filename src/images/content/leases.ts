/**
 * Leases: what they hold, and until when.
 *
 * A lease in use never ends by itself. What it holds is on disk from the first moment, with an end a day ahead, so that
 * a killed daemon finds what the interrupted operation had, unless nobody could go on with it (a transient lease).
 * Several users of one name share the lease: it ends with the last of them.
 */
import type { RecordStore, RecordStores } from '#base';
import type { Lease, LeaseOptions } from './content-store.ts';

/** How long a killed operation's blobs are kept. */
const KEPT_AFTER_CRASH_MS = 24 * 3_600_000;

interface LeaseRecord {
  readonly version: 1;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

interface HoldRecord {
  readonly version: 1;
  readonly lease: string;
  readonly resource: string;
}

interface Entry {
  readonly name: string;
  readonly resources: Set<string>;
  /** Not recorded: what it holds is of no use to a later process. */
  isTransient: boolean;
  users: number;
  /** As recorded; 0 while nothing is. */
  expiresAtMs: number;
  /** What users that ended asked for. */
  keepUntilMs: number;
}

export class Leases {
  readonly #records: RecordStores;
  readonly #leases: RecordStore<LeaseRecord>;
  readonly #holds: RecordStore<HoldRecord>;
  readonly #nowMs: () => number;
  readonly #byName = new Map<string, Entry>();
  /** How many leases hold a resource. */
  readonly #counts = new Map<string, number>();

  constructor(records: RecordStores, nowMs: () => number) {
    this.#records = records;
    this.#leases = records.of<LeaseRecord>('lease');
    this.#holds = records.of<HoldRecord>('lease-hold');
    this.#nowMs = nowMs;
    for (const { name, expiresAtMs } of this.#leases.list()) {
      this.#byName.set(name, {
        name,
        resources: new Set(),
        isTransient: false,
        users: 0,
        expiresAtMs,
        keepUntilMs: expiresAtMs,
      });
    }
    for (const { lease, resource } of this.#holds.list()) {
      const entry = this.#byName.get(lease);
      if (entry) this.#note(entry, resource);
      else this.#holds.delete(holdId(lease, resource));
    }
  }

  take(name: string, { isTransient = false }: LeaseOptions = {}): Lease {
    const entry = this.#byName.getOrInsertComputed(name, () => ({
      name,
      resources: new Set<string>(),
      isTransient,
      users: 0,
      expiresAtMs: 0,
      keepUntilMs: 0,
    }));
    entry.users += 1;
    if (!isTransient && entry.isTransient) this.#makeLasting(entry);
    let isOver = false;
    const end = (keepMs: number): void => {
      if (isOver) return;
      isOver = true;
      this.#end(entry, keepMs);
    };
    return {
      name,
      hold: (resource) => {
        if (isOver) throw new Error(`lease '${name}' is over: it cannot hold ${resource}`);
        this.#hold(entry, resource);
      },
      release: () => end(0),
      keepFor: end,
      [Symbol.dispose]: () => end(0),
    };
  }

  holds(resource: string): boolean {
    return this.#counts.has(resource);
  }

  /** All that is held by any lease, expired ones not counted. */
  *resources(): Iterable<string> {
    for (const entry of this.#byName.values()) if (!this.#isExpired(entry)) yield* entry.resources;
  }

  /** Forgets the leases whose time is over. */
  dropExpired(): void {
    for (const entry of this.#byName.values()) if (this.#isExpired(entry)) this.#drop(entry);
  }

  #isExpired({ users, expiresAtMs }: Entry): boolean {
    return users === 0 && expiresAtMs <= this.#nowMs();
  }

  #hold(entry: Entry, resource: string): void {
    const now = this.#nowMs();
    const isNew = !entry.resources.has(resource);
    const isShort = entry.expiresAtMs < now + KEPT_AFTER_CRASH_MS / 2;
    if (!isNew && !isShort) return;
    if (entry.isTransient) {
      if (isNew) this.#note(entry, resource);
      return;
    }
    this.#records.atomically(() => {
      if (isShort) this.#expireAt(entry, now + KEPT_AFTER_CRASH_MS);
      if (isNew) this.#holds.put(holdId(entry.name, resource), { version: 1, lease: entry.name, resource });
    });
    if (isNew) this.#note(entry, resource);
  }

  /** Somebody who could go on with it shares the lease now. */
  #makeLasting(entry: Entry): void {
    entry.isTransient = false;
    if (entry.resources.size === 0) return;
    this.#records.atomically(() => {
      this.#expireAt(entry, this.#nowMs() + KEPT_AFTER_CRASH_MS);
      for (const resource of entry.resources) {
        this.#holds.put(holdId(entry.name, resource), { version: 1, lease: entry.name, resource });
      }
    });
  }

  #note(entry: Entry, resource: string): void {
    entry.resources.add(resource);
    this.#counts.set(resource, (this.#counts.get(resource) ?? 0) + 1);
  }

  #end(entry: Entry, keepMs: number): void {
    const now = this.#nowMs();
    entry.users -= 1;
    entry.keepUntilMs = Math.max(entry.keepUntilMs, keepMs > 0 ? now + keepMs : 0);
    if (entry.users > 0) return;
    // Whoever ends it knows better than the one who kept it before: what an earlier try left is in good hands now.
    const until = keepMs > 0 ? entry.keepUntilMs : 0;
    if (until > now && entry.resources.size > 0 && !entry.isTransient) this.#expireAt(entry, until);
    else this.#drop(entry);
  }

  #expireAt(entry: Entry, expiresAtMs: number): void {
    entry.expiresAtMs = expiresAtMs;
    this.#leases.put(entry.name, { version: 1, name: entry.name, expiresAtMs });
  }

  #drop(entry: Entry): void {
    this.#byName.delete(entry.name);
    if (entry.expiresAtMs > 0) {
      this.#records.atomically(() => {
        for (const resource of entry.resources) this.#holds.delete(holdId(entry.name, resource));
        this.#leases.delete(entry.name);
      });
    }
    for (const resource of entry.resources) {
      const count = this.#counts.get(resource)! - 1;
      if (count > 0) this.#counts.set(resource, count);
      else this.#counts.delete(resource);
    }
  }
}

const holdId = (lease: string, resource: string): string => JSON.stringify([lease, resource]);
