/**
 * Builds that are over: a record of each, and beside it a folder with what is larger: its log, statements about it, and why it
 * failed.
 *
 * The story. The folder comes before the record and goes after it; a folder without one is what a killed daemon left, and goes
 * when the next one looks. The newest stay, older ones for two days, and never more than so many or so many bytes; those that are
 * pinned stay in any case. A history that cannot be written is no reason for a build to fail: who adds to it decides.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Digest, digestOf, digestParts, formatTimeNs, nowNs, type RecordStore, type RecordStores } from '#base';

export interface HistoryBlob {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PastBuild {
  readonly version: 1;
  /** What its client called it. */
  readonly ref: string;
  readonly frontend: string;
  /** As the client sent them, but those that are very long. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly exporters: readonly { readonly type: string; readonly attributes: Readonly<Record<string, string>> }[];
  /** RFC 3339. */
  readonly createdAt: string;
  readonly completedAt: string;
  /** A gRPC status. */
  readonly error?: { readonly code: number; readonly message: string };
  /** The same with its details. */
  readonly failure?: HistoryBlob;
  readonly log?: HistoryBlob;
  /** What its client was answered. */
  readonly answer: Readonly<Record<string, string>>;
  /** By platform. */
  readonly statements: Readonly<Record<string, readonly HistoryBlob[]>>;
  readonly isList: boolean;
  readonly isPinned: boolean;
  /** Counts changes of the record. */
  readonly generation: number;
  readonly steps: StepCounts;
}

export interface StepCounts {
  readonly total: number;
  readonly completed: number;
  readonly cached: number;
  readonly warnings: number;
}

export type NewPastBuild = Omit<PastBuild, 'version' | 'isPinned' | 'generation'>;

export interface HistoryLimits {
  /** The newest so many stay, however old they are. */
  readonly newest: number;
  /** Others for so long. */
  readonly ageMs: number;
  readonly most: number;
  readonly mostBytes: number;
}

/** compat: the first two are BuildKit's. */
const LIMITS: HistoryLimits = { newest: 50, ageMs: 48 * 3_600_000, most: 500, mostBytes: 256 * 1024 * 1024 };
/** Of one attribute; what is longer is left out. */
const MAX_ATTRIBUTE = 64 * 1024;

export class BuildHistory {
  readonly #root: string;
  readonly #records: RecordStore<PastBuild>;
  readonly #limits: HistoryLimits;
  /** What is asked of all of them at the end of each build, in the order they ended; read when it is asked for first. */
  #known: Map<string, Kept> | undefined;

  /** Reads nothing yet. */
  constructor(dataRoot: string, stores: RecordStores, limits = LIMITS) {
    this.#root = `${dataRoot}/build/history`;
    this.#records = stores.of<PastBuild>('build-history');
    this.#limits = limits;
  }

  /** In the order they ended. */
  list(): PastBuild[] {
    return this.#records.list();
  }

  get(ref: string): PastBuild | undefined {
    return this.#records.get(ref);
  }

  /** `contents`: bytes of its blobs. Throws Node's errors and `records.noSpace`; then nothing of it is kept. */
  add(build: NewPastBuild, contents: readonly Uint8Array[]): PastBuild {
    const attributes = Object.entries(build.attributes).filter(([, value]) => value.length <= MAX_ATTRIBUTE);
    const record: PastBuild = {
      ...build,
      attributes: Object.fromEntries(attributes),
      version: 1,
      isPinned: false,
      generation: 0,
    };
    const folder = this.#folder(build.ref);
    try {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const bytes of contents) writeFileSync(placeIn(folder, digestOf(bytes)), bytes, { mode: 0o600 });
      this.#records.delete(build.ref);
      this.#records.put(build.ref, record);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      // One of the same name had its folder there.
      this.#known?.delete(build.ref);
      throw error;
    }
    const known = this.#all();
    known.delete(build.ref);
    known.set(build.ref, keptOf(record));
    this.#collect();
    return record;
  }

  /** Undefined when there is no such build. */
  pin(ref: string, isPinned: boolean): PastBuild | undefined {
    const record = this.get(ref);
    if (!record) return undefined;
    const changed = { ...record, isPinned, generation: record.generation + 1 };
    this.#records.put(ref, changed);
    this.#all().set(ref, keptOf(changed));
    this.#collect();
    return changed;
  }

  /** Whether there was one. */
  remove(ref: string): boolean {
    if (!this.#all().delete(ref)) return false;
    this.#records.delete(ref);
    rmSync(this.#folder(ref), { recursive: true, force: true });
    return true;
  }

  /** Where a blob of some build is; undefined when none has it. */
  pathOf(digest: Digest): string | undefined {
    const [ref] = [...this.#all()].find(([, { digests }]) => digests.includes(digest)) ?? [];
    const path = ref === undefined ? undefined : placeIn(this.#folder(ref), digest);
    return path !== undefined && existsSync(path) ? path : undefined;
  }

  #collect(): void {
    const { newest, ageMs, most, mostBytes } = this.#limits;
    const oldest = formatTimeNs(nowNs() - BigInt(ageMs) * 1_000_000n);
    let bytes = 0;
    const builds = [...this.#all()].filter(([, { isPinned }]) => !isPinned);
    for (const [place, [ref, { completedAt, sizeBytes }]] of builds.reverse().entries()) {
      bytes += sizeBytes;
      const isOld = place >= newest && completedAt < oldest;
      if (isOld || place >= most || (bytes > mostBytes && place > 0)) this.remove(ref);
    }
  }

  #all(): Map<string, Kept> {
    if (!this.#known) {
      this.#known = new Map(this.#records.list().map((build) => [build.ref, keptOf(build)]));
      this.#removeOrphans(this.#known);
    }
    return this.#known;
  }

  #removeOrphans(known: ReadonlyMap<string, Kept>): void {
    if (!existsSync(this.#root)) return;
    const names = new Set([...known.keys()].map(folderName));
    for (const name of readdirSync(this.#root)) {
      if (!names.has(name)) rmSync(`${this.#root}/${name}`, { recursive: true, force: true });
    }
  }

  #folder(ref: string): string {
    return `${this.#root}/${folderName(ref)}`;
  }
}

interface Kept {
  readonly completedAt: string;
  readonly isPinned: boolean;
  readonly sizeBytes: number;
  readonly digests: readonly Digest[];
}

function keptOf({ completedAt, isPinned, log, failure, statements }: PastBuild): Kept {
  const blobs = [log, failure, ...Object.values(statements).flat()].filter((blob) => blob !== undefined);
  const sizeBytes = blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0);
  return { completedAt, isPinned, sizeBytes, digests: blobs.map(({ digest }) => digest) };
}

/** A client may call its build anything. */
const folderName = (ref: string): string => createHash('sha256').update(ref).digest('hex').slice(0, 32);

const placeIn = (folder: string, digest: Digest): string => `${folder}/${digestParts(digest).hex}`;
