/** Builds under way, by the name their client gave them: what its several calls have in common. */
import { newContainerId } from '#base';
import type { BuildResult } from '#build';
import type { GrpcError } from '#rpc/grpc';
import { formatPlatform, type Platform } from '#specs';
import { errors } from './errors.ts';
import { Evaluation, type EvaluationParts, type Outcome } from './evaluation.ts';
import { ProgressOfBuild } from './progress-of-build.ts';

/** A front end's wish, as the client's function passed it on. */
export interface FrontendWish {
  readonly frontend: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Results of other builds it may begin with: their ids, by what its attributes call them. */
  readonly inputs: ReadonlyMap<string, string>;
}

/** How the client's function ended: with a result that stands for a wish, with none, or with a failure. */
export type Returned =
  | { readonly kind: 'wish'; readonly id: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failure'; readonly error: GrpcError };

export class BuildUnderWay {
  readonly ref: string;
  readonly progress: ProgressOfBuild;
  readonly sessionId: string;
  readonly returned: Promise<Returned>;
  /** Wishes by the id of the result that stands for them. */
  readonly #wishes = new Map<string, FrontendWish>();
  readonly #evaluations = new Map<string, Evaluation>();
  readonly #carryOut: CarryOut;
  readonly #resolve: (returned: Returned) => void;

  constructor(ref: string, sessionId: string, carryOut: CarryOut) {
    this.ref = ref;
    this.sessionId = sessionId;
    this.#carryOut = carryOut;
    this.progress = new ProgressOfBuild(ref);
    const { promise, resolve } = Promise.withResolvers<Returned>();
    this.returned = promise;
    this.#resolve = resolve;
  }

  /** The id of the result that stands for it from now on. */
  wish(wish: FrontendWish): string {
    const id = newContainerId().slice(0, 25);
    this.#wishes.set(id, wish);
    return id;
  }

  has(id: string): boolean {
    return this.#wishes.has(id);
  }

  /** Begins to carry a wish out, if nobody has asked for it yet. Throws `buildkit.noBuild`. */
  evaluate(id: string): Evaluation {
    const wish = this.#wishes.get(id);
    if (!wish) throw errors.noBuild(id);
    return this.#evaluations.getOrInsertComputed(
      id,
      () => new Evaluation((parts) => this.#carryOut(this, wish, parts)),
    );
  }

  end(returned: Returned): void {
    this.#resolve(returned);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end({ kind: 'nothing' });
    for (const evaluation of this.#evaluations.values()) await evaluation[Symbol.asyncDispose]();
    this.progress.end();
  }
}

export type CarryOut = (build: BuildUnderWay, wish: FrontendWish, parts: EvaluationParts) => Promise<Outcome>;

export class BuildsUnderWay {
  readonly #builds = new Map<string, BuildUnderWay>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Throws `buildkit.buildTaken`. */
  begin(ref: string, sessionId: string, carryOut: CarryOut): AsyncDisposable & { readonly build: BuildUnderWay } {
    if (this.#builds.has(ref)) throw errors.buildTaken(ref);
    const build = new BuildUnderWay(ref, sessionId, carryOut);
    this.#builds.set(ref, build);
    for (const wake of this.#waiting.get(ref) ?? []) wake();
    return {
      build,
      [Symbol.asyncDispose]: async () => {
        this.#builds.delete(ref);
        await build[Symbol.asyncDispose]();
      },
    };
  }

  /**
   * A result of another build, for a wish that begins with it. Throws `buildkit.noInput`, `buildkit.resultGone`,
   * `buildkit.noInputPlatform`, and what the other build fails with.
   */
  async resultFor({ inputs }: FrontendWish, input: string, platform: Platform): Promise<BuildResult> {
    const id = inputs.get(input);
    if (id === undefined) throw errors.noInput(input);
    const build = [...this.#builds.values()].find((each) => each.has(id));
    if (!build) throw errors.resultGone(input);
    const results = await build.evaluate(id).results;
    const wanted = formatPlatform(platform);
    // compat: a result of one platform is taken for any.
    const found = results.length === 1 ? results[0] : results.find((each) => formatPlatform(each.platform) === wanted);
    if (found) return found;
    const others = results.map((each) => formatPlatform(each.platform)).join(', ');
    throw errors.noInputPlatform(input, wanted, others);
  }

  has(ref: string): boolean {
    return this.#builds.has(ref);
  }

  /** The build of that name, which may come within the time. Throws `buildkit.noBuild`. */
  async get(ref: string, waitMs: number): Promise<BuildUnderWay> {
    const there = this.#builds.get(ref);
    if (there) return there;
    const waiting = this.#waiting.getOrInsertComputed(ref, () => new Set());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, waitMs);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      waiting.add(done);
    });
    this.#waiting.delete(ref);
    const build = this.#builds.get(ref);
    if (!build) throw errors.noBuild(ref);
    return build;
  }
}
