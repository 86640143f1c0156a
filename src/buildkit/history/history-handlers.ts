/** The part of moby.buildkit.v1.Control about builds that were: listing and changing records, and their logs. */
import { readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import type { PastBuild } from '#build';
import { control } from '#specs/buildkit';
import { errors } from '../errors.ts';
import type { BuildChange, BuildRecords } from './build-records.ts';
import { readHistoryFilters } from './history-filters.ts';
import { eventOf, readLog } from './history-messages.ts';

/** Of changes for a client that does not read. */
const MAX_WAITING = 1000;

/** Those under way, those that are over, and what changes then, as far as it is asked for. */
export async function* listenBuildHistory(
  records: BuildRecords,
  { ActiveOnly, Ref, EarlyExit, Filter, Limit }: control.BuildHistoryRequest,
  signal: AbortSignal,
): AsyncGenerator<control.BuildHistoryEvent> {
  const matches = readHistoryFilters(Filter, Date.now());
  if (Limit < 0) throw errors.badHistoryLimit(Limit);
  const isWanted = (ref: string): boolean => Ref === '' || Ref === ref;
  using changes = new Changes(records, signal);
  for (const build of records.running()) if (isWanted(build.ref)) yield eventOf({ type: 'started', build });
  if (!ActiveOnly) {
    const found = records.history.list().filter((build) => isWanted(build.ref) && matches(build));
    for (const build of newest(found, Limit)) yield eventOf({ type: 'complete', build });
  }
  if (EarlyExit) return;
  for await (const change of changes) {
    if (isWanted(change.type === 'deleted' ? change.ref : change.build.ref)) yield eventOf(change);
  }
}

/** compat: with a limit the newest come first. */
function newest(builds: readonly PastBuild[], limit: number): readonly PastBuild[] {
  if (limit === 0) return builds;
  return builds.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1)).slice(0, limit);
}

class Changes implements Disposable {
  readonly #waiting: BuildChange[] = [];
  readonly #signal: AbortSignal;
  readonly #listening: Disposable;
  readonly #aborted = (): void => this.#wake();
  #wake = (): void => {};

  constructor(records: BuildRecords, signal: AbortSignal) {
    this.#signal = signal;
    this.#listening = records.listen((change) => {
      this.#waiting.push(change);
      this.#wake();
    });
    signal.addEventListener('abort', this.#aborted, { once: true });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BuildChange> {
    while (!this.#signal.aborted) {
      if (this.#waiting.length > MAX_WAITING) throw errors.tooSlow();
      for (const change of this.#waiting.splice(0)) yield change;
      if (this.#waiting.length > 0 || this.#signal.aborted) continue;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#signal.removeEventListener('abort', this.#aborted);
  }
}

/** Throws `buildkit.noRecord`. */
export function updateBuildHistory(
  records: BuildRecords,
  { Ref, Pinned, Delete, Finalize }: control.UpdateBuildHistoryRequest,
): control.UpdateBuildHistoryResponse {
  // Traces are not recorded: there is nothing to wait for.
  const isThere = Delete
    ? records.remove(Ref)
    : Finalize
      ? records.history.get(Ref) !== undefined
      : records.pin(Ref, Pinned);
  if (!isThere) throw errors.noRecord(Ref);
  return create(control.UpdateBuildHistoryResponseSchema);
}

/** What a build that is over has told; undefined when nothing is known of it. */
export function pastStatus({ history }: BuildRecords, ref: string): Iterable<control.StatusResponse> | undefined {
  const log = history.get(ref)?.log;
  const path = log && history.pathOf(log.digest);
  // As long as a story may be, which is bounded.
  return path === undefined ? undefined : readLog(readFileSync(path));
}
