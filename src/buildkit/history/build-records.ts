/** Builds for those who list them: under way ones from memory, and what the builder's history keeps of those that are over. */
import { create, toBinary } from '@bufbuild/protobuf';
import { causeChain, type Digest, digestOf, formatTimeNs, type Log, nowNs } from '#base';
import type { Attestation, BuildHistory, HistoryBlob, PastBuild } from '#build';
import { type GrpcError, grpcCode } from '#rpc/grpc';
import { control } from '#specs/buildkit';
import type { ProgressOfBuild } from '../progress-of-build.ts';

/** How a build ended. */
export type Ending =
  | {
      readonly kind: 'done';
      readonly answer: Readonly<Record<string, string>>;
      /** Statements of where it came from, by platform. */
      readonly origins: ReadonlyMap<string, Attestation>;
      readonly isList: boolean;
    }
  | { readonly kind: 'failed'; readonly error: GrpcError };

export interface RunningBuild {
  readonly ref: string;
  readonly frontend: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly exporters: PastBuild['exporters'];
  readonly createdAt: string;
  readonly progress: ProgressOfBuild;
}

export type BuildChange =
  | { readonly type: 'started'; readonly build: RunningBuild }
  | { readonly type: 'complete'; readonly build: PastBuild }
  | { readonly type: 'deleted'; readonly ref: string };

export interface Recording {
  end(ending: Ending): void;
}

/** compat: BuildKit's names for them. */
export const mediaType = {
  log: 'application/vnd.buildkit.status.v0',
  failure: 'application/vnd.googleapis.google.rpc.status+proto',
  statement: 'application/vnd.in-toto+json',
  predicate: 'in-toto.io/predicate-type',
} as const;

export class BuildRecords {
  readonly history: BuildHistory;
  readonly #log: Pick<Log, 'warn'>;
  readonly #running = new Map<string, RunningBuild>();
  readonly #listeners = new Set<(change: BuildChange) => void>();

  constructor(history: BuildHistory, log: Pick<Log, 'warn'>) {
    this.history = history;
    this.#log = log;
  }

  running(): RunningBuild[] {
    return [...this.#running.values()];
  }

  begin(build: Omit<RunningBuild, 'createdAt'>): Recording {
    const running = { ...build, createdAt: formatTimeNs(nowNs()) };
    this.#running.set(build.ref, running);
    this.#tell({ type: 'started', build: running });
    return { end: (ending) => this.#end(running, ending) };
  }

  /** Hears of changes until it is disposed. */
  listen(listener: (change: BuildChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Of one under way nothing will be kept. Whether there was one. */
  remove(ref: string): boolean {
    const wasRunning = this.#running.delete(ref);
    const wasKept = this.history.remove(ref);
    if (wasRunning || wasKept) this.#tell({ type: 'deleted', ref });
    return wasRunning || wasKept;
  }

  /** Whether there is one. */
  pin(ref: string, isPinned: boolean): boolean {
    const build = this.history.pin(ref, isPinned);
    if (build) this.#tell({ type: 'complete', build });
    return build !== undefined;
  }

  #end(running: RunningBuild, ending: Ending): void {
    const { progress, ...facts } = running;
    if (this.#running.get(running.ref) !== running) return;
    this.#running.delete(running.ref);
    const blobs = new Map<Digest, Uint8Array>();
    const keep = (bytes: Uint8Array, type: string, annotations?: HistoryBlob['annotations']): HistoryBlob => {
      const digest = digestOf(bytes);
      blobs.set(digest, bytes);
      return { mediaType: type, digest, sizeBytes: bytes.length, ...(annotations ? { annotations } : {}) };
    };
    try {
      const end = {
        ...facts,
        completedAt: formatTimeNs(nowNs()),
        log: keep(encodeLog(progress), mediaType.log),
        steps: progress.counts(),
        ...(ending.kind === 'done' ? ofSuccess(ending, keep) : ofFailure(ending.error, keep)),
      };
      this.#tell({ type: 'complete', build: this.history.add(end, [...blobs.values()]) });
    } catch (error) {
      this.#log.warn('a build is over and cannot be recorded', { ref: running.ref, error: causeChain(error) });
      this.#tell({ type: 'deleted', ref: running.ref });
    }
  }

  #tell(change: BuildChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

type Keep = (bytes: Uint8Array, type: string, annotations?: HistoryBlob['annotations']) => HistoryBlob;

function ofSuccess({ answer, origins, isList }: Extract<Ending, { kind: 'done' }>, keep: Keep) {
  const statements = [...origins].map(([platform, { predicate, predicateType }]) => {
    const bytes = Buffer.from(JSON.stringify(predicate, undefined, 2));
    return [platform, [keep(bytes, mediaType.statement, { [mediaType.predicate]: predicateType })]] as const;
  });
  return { answer, isList, statements: Object.fromEntries(statements) };
}

function ofFailure({ code, message, details }: GrpcError, keep: Keep) {
  return {
    ...{ answer: {}, isList: false, statements: {} },
    error: { code, message: code === grpcCode.cancelled ? inCancelledWords(message) : message },
    ...(details ? { failure: keep(details, mediaType.failure) } : {}),
  };
}

/** compat: by these words clients know that it was their wish. */
const inCancelledWords = (message: string): string =>
  message.includes('context canceled') ? message : `${message}: context canceled`;

/** spec: BuildKit's logs of builds: messages of a Status stream, each after its length in four bytes, the lowest first. */
function encodeLog(progress: ProgressOfBuild): Buffer {
  const pieces = progress.story().flatMap((status) => {
    const bytes = toBinary(control.StatusResponseSchema, create(control.StatusResponseSchema, status));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(pieces);
}
