/** What a build tells → vertices, logs and warnings of a Status stream, for all who listen, from its beginning. */
import { createHash } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { messageOf } from '#base';
import type { BuildEvent, LintWarning, PullLine, StepCounts, StepId } from '#build';
import type { control } from '#specs/buildkit';

type StatusInit = MessageInitShape<typeof control.StatusResponseSchema>;

interface VertexFacts {
  readonly digest: string;
  readonly name: string;
  readonly inputs?: string[];
  readonly cached?: boolean;
  readonly started?: Timestamp;
  readonly completed?: Timestamp;
  readonly error?: string;
}

/** The Dockerfile, for those who show lines of it. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** Of one client: what it has not taken yet. */
interface Listener {
  readonly waiting: StatusInit[];
  /** Of log in what waits. */
  bytes: number;
  wake(): void;
}

/** compat: messages with more log than this are split. */
const MAX_LOG_BYTES = 1024 * 1024;
/** Of log for a client that does not read; programs wait then. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Of log that is kept for those who listen later; what is more is lost to them. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Between two tellings of how far something has come. */
const STATUS_EVERY_MS = 100;

export class ProgressOfBuild {
  readonly #ref: string;
  /** What is true now, each by its name, for those who listen later: bounded by what the build has, not by how long it takes. */
  readonly #story = new Map<string, StatusInit>();
  readonly #listeners = new Set<Listener>();
  readonly #vertices = new Map<string, VertexFacts>();
  readonly #statuses = new Map<string, { readonly started: Timestamp; toldMs: number; isDone: boolean }>();
  /** Images that are looked for, by their names; each is a vertex. */
  readonly #pulls = new Map<string, string>();
  readonly #waitingForRoom = new Set<() => void>();
  #digests: readonly string[] = [];
  #names: readonly string[] = [];
  #keptBytes = 0;
  /** How often each way was taken. */
  readonly #exports = new Map<string, number>();
  /** The vertex of what is exported now, and the bytes of it that went to the client. */
  #exporting = '';
  #exportedBytes = 0;
  #hasEnded = false;

  /** `ref` makes digests of one build differ from those of another. */
  constructor(ref: string) {
    this.#ref = ref;
  }

  /** From the beginning to the end of the build. */
  async *listen(signal: AbortSignal): AsyncGenerator<StatusInit> {
    let wake = (): void => {};
    const listener: Listener = { waiting: [...this.#story.values()], bytes: 0, wake: () => wake() };
    this.#listeners.add(listener);
    const aborted = (): void => wake();
    signal.addEventListener('abort', aborted, { once: true });
    try {
      while (!signal.aborted) {
        const taken = listener.waiting.splice(0);
        for (const next of taken) {
          yield next;
          if (signal.aborted) return;
        }
        listener.bytes = listener.waiting.reduce((sum, each) => sum + logBytes(each), 0);
        this.#giveRoom();
        if (listener.waiting.length > 0) continue;
        if (this.#hasEnded) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', aborted);
      this.#listeners.delete(listener);
      this.#giveRoom();
    }
  }

  /** What is true now, in the order in which it was told first. */
  story(): StatusInit[] {
    return [...this.#story.values()];
  }

  counts(): StepCounts {
    const vertices = [...this.#vertices.values()];
    return {
      total: vertices.length,
      completed: vertices.filter(({ completed }) => completed).length,
      cached: vertices.filter(({ cached }) => cached).length,
      warnings: this.story().reduce((sum, { warnings = [] }) => sum + warnings.length, 0),
    };
  }

  end(): void {
    this.#hasEnded = true;
    for (const { wake } of this.#listeners) wake();
    this.#giveRoom();
  }

  /** Undefined when clients keep up; else fulfilled when they do again. */
  drained(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    return new Promise((resolve) => this.#waitingForRoom.add(resolve));
  }

  /** Work that is no step of the graph, such as `[internal] load build context`. */
  async during<Result>(name: string, work: (vertex: string) => Promise<Result>): Promise<Result> {
    const vertex = this.#digest(name);
    const started = now();
    this.#vertex({ digest: vertex, name, started });
    try {
      const result = await work(vertex);
      this.#vertex({ digest: vertex, name, started, completed: now() });
      return result;
    } catch (error) {
      this.#vertex({
        digest: vertex,
        name,
        started,
        completed: now(),
        error: messageOf(error),
      });
      throw error;
    }
  }

  /** Takes what is told while an image is looked for. */
  pulling({ reference, id, status, current, total }: PullLine): void {
    const vertex = this.#pulls.getOrInsertComputed(reference, () => {
      const name = `[internal] load metadata for ${reference}`;
      const digest = this.#digest(name);
      this.#vertex({ digest, name, started: now() });
      return digest;
    });
    if (id === undefined) return;
    const isDone = /^(?:pull complete|already exists)/i.test(status);
    this.status(vertex, id, {
      ...(current === undefined ? {} : { current }),
      ...(total === undefined ? {} : { total }),
      isDone,
    });
  }

  /** Images are here, or cannot be had. */
  pulled(error?: unknown): void {
    for (const digest of this.#pulls.values()) {
      const failed = error === undefined ? {} : { error: messageOf(error) };
      this.#vertex({ ...this.#vertices.get(digest)!, completed: now(), ...failed });
    }
    this.#pulls.clear();
  }

  /** Something is exported: what it does meanwhile is told line by line. */
  async export<Result>(name: string, work: (tell: (what: string) => void) => Promise<Result>): Promise<Result> {
    // One build may export the same way twice.
    const count = (this.#exports.get(name) ?? 0) + 1;
    this.#exports.set(name, count);
    const own = count === 1 ? name : `${name} (${count})`;
    return this.during(own, async (vertex) => {
      this.#exporting = vertex;
      this.#exportedBytes = 0;
      let last: string | undefined;
      const done = (): void => {
        if (last !== undefined) this.status(vertex, last, { isDone: true });
      };
      try {
        const result = await work((what) => {
          done();
          last = what;
          this.status(vertex, what);
        });
        done();
        if (this.#exportedBytes > 0)
          this.status(vertex, 'transferring', { current: this.#exportedBytes, isDone: true });
        return result;
      } finally {
        this.#exporting = '';
      }
    });
  }

  /** Bytes that went to the client so far. */
  exporting(total: number): void {
    this.#exportedBytes = total;
    if (this.#exporting !== '') this.status(this.#exporting, 'transferring', { current: total });
  }

  /**
   * A part of a vertex, such as how much has come; without `total` it is not known. Once done it stays done, whatever comes
   * late, such as known files that a step copies after all: a client shows nothing of a part that is open in a vertex
   * that has ended.
   */
  status(vertex: string, id: string, { current = 0, total = 0, isDone = false } = {}): void {
    const key = `${vertex} ${id}`;
    const known = this.#statuses.getOrInsertComputed(key, () => ({
      started: now(),
      toldMs: -STATUS_EVERY_MS,
      isDone: false,
    }));
    const nowMs = performance.now();
    if (!isDone && (known.isDone || nowMs - known.toldMs < STATUS_EVERY_MS)) return;
    known.toldMs = nowMs;
    known.isDone = isDone;
    const at = now();
    const facts = { ID: id, vertex, current: BigInt(current), total: BigInt(total), timestamp: at };
    const completed = isDone ? { completed: at } : {};
    this.#tell(key, { statuses: [{ ...facts, started: known.started, ...completed }] });
  }

  warn(vertex: string, { rule, description, url, detail, range }: LintWarning, file: SourceFile): void {
    this.#tell(`warning ${this.#story.size}`, {
      warnings: [
        {
          vertex,
          level: 1n,
          short: Buffer.from(`${rule}: ${detail} (line ${range.start})`),
          detail: [Buffer.from(description)],
          url,
          info: { filename: file.name, data: Buffer.from(file.text), language: 'Dockerfile' },
          ranges: [{ start: { line: range.start }, end: { line: range.end } }],
        },
      ],
    });
  }

  /** The digest of a step's vertex, for errors. */
  vertexOf(step: StepId): string {
    return this.#digests[step] ?? '';
  }

  event(event: BuildEvent): void {
    switch (event.type) {
      case 'planned': {
        const digests: string[] = [];
        const names: string[] = [];
        for (const { id, name } of event.steps) {
          digests[id] = this.#digest(`${id} ${name}`);
          names[id] = name;
        }
        this.#digests = digests;
        this.#names = names;
        for (const { id, inputs } of event.steps) {
          this.#vertex({ digest: digests[id]!, name: names[id]!, inputs: inputs.map((input) => digests[input]!) });
        }
        return;
      }
      case 'started':
        this.#step(event.step, { started: now() });
        return;
      case 'cached':
        this.#step(event.step, { started: now(), completed: now(), cached: true });
        return;
      case 'done':
        this.#step(event.step, { completed: now() });
        return;
      case 'failed':
        this.#step(event.step, { completed: now(), error: event.message });
        return;
      case 'log':
        this.#log(event.step, event.stream, event.bytes);
        return;
      default:
        this.status(this.vertexOf(event.step), `${event.id} ${event.status}`.trim(), event);
    }
  }

  #step(step: StepId, more: Omit<VertexFacts, 'digest' | 'name'>): void {
    const digest = this.vertexOf(step);
    const before = this.#vertices.get(digest);
    // A step the cache has is told as such, and then as done.
    if (before?.completed && !more.error) return;
    const started = before?.started ?? more.started ?? more.completed ?? now();
    this.#vertex({ ...before, ...more, digest, name: this.#names[step] ?? '', started });
  }

  /**
   * Its end is told besides, behind all that was told of it: a client that listens late shows nothing of a vertex it has seen the
   * end of.
   */
  #vertex(vertex: VertexFacts): void {
    this.#vertices.set(vertex.digest, vertex);
    const key = vertex.completed ? `${vertex.digest} end` : vertex.digest;
    if (vertex.completed) this.#story.delete(key);
    this.#tell(key, { vertexes: [vertex] });
  }

  #log(step: StepId, stream: 1 | 2, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += MAX_LOG_BYTES) {
      const msg = bytes.subarray(at, at + MAX_LOG_BYTES);
      const log = { vertex: this.vertexOf(step), timestamp: now(), stream: BigInt(stream), msg };
      this.#tell(`log ${this.#story.size}`, { logs: [log] });
    }
  }

  #tell(key: string, status: StatusInit): void {
    const size = logBytes(status);
    if (this.#keptBytes + size <= MAX_KEPT_BYTES) {
      this.#keptBytes += size;
      this.#story.set(key, status);
    }
    for (const listener of this.#listeners) {
      listener.waiting.push(status);
      listener.bytes += size;
      listener.wake();
    }
  }

  #hasRoom(): boolean {
    return [...this.#listeners].every(({ bytes }) => bytes < MAX_WAITING_BYTES);
  }

  #giveRoom(): void {
    if (!this.#hasEnded && !this.#hasRoom()) return;
    for (const resolve of this.#waitingForRoom) resolve();
    this.#waitingForRoom.clear();
  }

  #digest(text: string): string {
    return `sha256:${createHash('sha256').update(`${this.#ref} ${text}`).digest('hex')}`;
  }
}

const logBytes = ({ logs = [] }: StatusInit): number => logs.reduce((sum, { msg }) => sum + (msg?.length ?? 0), 0);

function now(): Timestamp {
  const ms = performance.timeOrigin + performance.now();
  const seconds = Math.floor(ms / 1000);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: Math.floor((ms - seconds * 1000) * 1e6) });
}
