/** What a build tells → vertices, logs and warnings of a Status stream, for all who listen, from its beginning. */
import { createHash } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { BuildEvent, LintWarning, StepId } from '#build';
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
  wake(): void;
}

/** compat: messages with more log than this are split. */
const MAX_LOG_BYTES = 1024 * 1024;
/** Of output that comes before anybody listens, and for a client that does not read. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

export class ProgressOfBuild {
  readonly #ref: string;
  readonly #history: StatusInit[] = [];
  readonly #listeners = new Set<Listener>();
  readonly #vertices = new Map<string, VertexFacts>();
  #digests: readonly string[] = [];
  #names: readonly string[] = [];
  #keptBytes = 0;
  #hasEnded = false;

  /** `ref` makes digests of one build differ from those of another. */
  constructor(ref: string) {
    this.#ref = ref;
  }

  /** From the beginning to the end of the build. */
  async *listen(signal: AbortSignal): AsyncGenerator<StatusInit> {
    let wake = (): void => {};
    const listener: Listener = { waiting: [...this.#history], wake: () => wake() };
    this.#listeners.add(listener);
    const aborted = (): void => wake();
    signal.addEventListener('abort', aborted, { once: true });
    try {
      while (!signal.aborted) {
        for (let next = listener.waiting.shift(); next; next = listener.waiting.shift()) {
          this.#keptBytes -= logBytes(next);
          yield next;
        }
        if (this.#hasEnded) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', aborted);
      this.#listeners.delete(listener);
    }
  }

  end(): void {
    this.#hasEnded = true;
    for (const { wake } of this.#listeners) wake();
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
        error: error instanceof Error ? error.message : String(error),
      });
      throw error;
    }
  }

  /** A part of a vertex, such as how much has come; without `total` it is not known. */
  status(vertex: string, id: string, { current = 0, total = 0, isDone = false } = {}): void {
    const at = now();
    this.#tell({
      statuses: [
        {
          ID: id,
          vertex,
          current: BigInt(current),
          total: BigInt(total),
          timestamp: at,
          started: at,
          ...(isDone ? { completed: at } : {}),
        },
      ],
    });
  }

  warn(vertex: string, { rule, description, url, detail, range }: LintWarning, file: SourceFile): void {
    this.#tell({
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
    this.#vertex({ ...before, ...more, digest, name: this.#names[step] ?? '', started: before?.started ?? now() });
  }

  #vertex(vertex: VertexFacts): void {
    this.#vertices.set(vertex.digest, vertex);
    this.#tell({ vertexes: [vertex] });
  }

  #log(step: StepId, stream: 1 | 2, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += MAX_LOG_BYTES) {
      const msg = bytes.subarray(at, at + MAX_LOG_BYTES);
      this.#tell({ logs: [{ vertex: this.vertexOf(step), timestamp: now(), stream: BigInt(stream), msg }] });
    }
  }

  #tell(status: StatusInit): void {
    const size = logBytes(status);
    if (this.#keptBytes + size > MAX_KEPT_BYTES) return;
    if (size === 0 || this.#listeners.size === 0) this.#history.push(status);
    for (const listener of this.#listeners) {
      listener.waiting.push(status);
      this.#keptBytes += size;
      listener.wake();
    }
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
