/** Builds under way, by the name their client gave them: what its several calls have in common. */
import { errors } from './errors.ts';
import { ProgressOfBuild } from './progress-of-build.ts';

/** A front end's wish, as the client's function passed it on. */
export interface FrontendWish {
  readonly frontend: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** How the client's function ended: with a result that stands for a wish, with none, or with a failure. */
export type Returned =
  | { readonly kind: 'wish'; readonly wish: FrontendWish }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failure'; readonly code: number; readonly message: string };

export class BuildUnderWay {
  readonly ref: string;
  readonly progress: ProgressOfBuild;
  readonly sessionId: string;
  readonly returned: Promise<Returned>;
  /** Wishes by the id of the result that stands for them. */
  readonly wishes = new Map<string, FrontendWish>();
  readonly #resolve: (returned: Returned) => void;

  constructor(ref: string, sessionId: string) {
    this.ref = ref;
    this.sessionId = sessionId;
    this.progress = new ProgressOfBuild(ref);
    const { promise, resolve } = Promise.withResolvers<Returned>();
    this.returned = promise;
    this.#resolve = resolve;
  }

  end(returned: Returned): void {
    this.#resolve(returned);
  }
}

export class BuildsUnderWay {
  readonly #builds = new Map<string, BuildUnderWay>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Throws `buildkit.buildTaken`. */
  begin(ref: string, sessionId: string): BuildUnderWay & Disposable {
    if (this.#builds.has(ref)) throw errors.buildTaken(ref);
    const build = new BuildUnderWay(ref, sessionId);
    this.#builds.set(ref, build);
    for (const wake of this.#waiting.get(ref) ?? []) wake();
    return Object.assign(build, {
      [Symbol.dispose]: () => {
        this.#builds.delete(ref);
        build.progress.end();
        build.end({ kind: 'nothing' });
      },
    });
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
