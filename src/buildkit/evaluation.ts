/**
 * A wish that is carried out in two parts: its steps as soon as somebody wants the result, and what becomes of it when the
 * client's function has returned it. In between the result is held, and other builds may begin with it.
 */
import type { Attestation, BuildResult } from '#build';
import { GrpcError, grpcCode } from '#rpc/grpc';

export interface Outcome {
  /** What clients read of it. */
  readonly answer: Readonly<Record<string, string>>;
  /** Statements of where it came from, by platform, for its record. */
  readonly origins: ReadonlyMap<string, Attestation>;
  readonly isList: boolean;
}

export interface EvaluationParts {
  /** Aborted when nobody wants the result. */
  readonly signal: AbortSignal;
  /** Takes what the steps have made; fulfilled when it is to be exported. */
  readonly onResults: (results: readonly BuildResult[]) => Promise<void>;
}

export class Evaluation {
  readonly results: Promise<readonly BuildResult[]>;
  readonly #outcome: Promise<Outcome>;
  readonly #returned = Promise.withResolvers<void>();
  readonly #abandoned = new AbortController();

  /** Begins at once. */
  constructor(carryOut: (parts: EvaluationParts) => Promise<Outcome>) {
    const { promise, resolve, reject } = Promise.withResolvers<readonly BuildResult[]>();
    this.results = promise;
    this.#outcome = carryOut({
      signal: this.#abandoned.signal,
      onResults: (results) => {
        resolve(results);
        return this.#returned.promise;
      },
    });
    this.#outcome.catch(reject);
    // Both are asked for by whoever wants to know.
    for (const unasked of [this.results, this.#returned.promise]) unasked.catch(() => {});
  }

  /** The client's function has returned it. */
  export(): Promise<Outcome> {
    this.#returned.resolve();
    return this.#outcome;
  }

  /** Ends what nobody has returned; fulfilled when nothing of it is at work any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abandoned.abort();
    this.#returned.reject(new GrpcError(grpcCode.cancelled, 'context canceled'));
    await this.#outcome.catch(() => {});
  }
}
