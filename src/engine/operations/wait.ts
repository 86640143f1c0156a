/** Waits for a container's end. */
import { whenFulfilled } from '#base';
import type { ContainerRecord } from '../container-record.ts';
import { isLive } from '../lifecycle.ts';
import { type EngineParts, findContainer } from '../parts.ts';

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface WaitResult {
  readonly code: number;
  readonly error: string;
}

/**
 * `not-running` is fulfilled at once for a container that does not run, `next-exit` with the next end,
 * `removed` when it is gone. Rejects with the signal's reason when it is aborted.
 */
export async function waitForContainer(
  parts: EngineParts,
  reference: string,
  condition: WaitCondition,
  signal?: AbortSignal,
): Promise<WaitResult> {
  const record = findContainer(parts, reference);
  if (condition === 'not-running' && !isLive(record.status)) return resultOf(record);
  // One that went before would never be heard to go.
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<WaitResult>();
  signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  if (condition === 'removed') {
    const last = { ...resultOf(record) };
    using _listening = parts.events.listen((event) => {
      if (event.id !== record.id) return;
      if (event.action === 'die') Object.assign(last, resultOf(parts.containers.get(record.id) ?? record));
      if (event.action === 'destroy') resolve(last);
    });
    return await promise;
  }
  const live = parts.live.get(record.id);
  const tell = (): void => resolve(resultOf(parts.containers.get(record.id) ?? record));
  if (live && isLive(record.status)) {
    using _end = whenFulfilled(live.recorded, tell);
    return await promise;
  }
  // Between two runs: it may end again, or stay down.
  using _down = condition === 'not-running' ? whenFulfilled(parts.restarts.whenSettled(record.id), tell) : null;
  using _listening = parts.events.listen((event) => {
    if (event.id !== record.id) return;
    if (event.action === 'die') tell();
    if (event.action === 'destroy') resolve({ code: 0, error: '' });
  });
  return await promise;
}

function resultOf(record: ContainerRecord): WaitResult {
  return { code: record.exit?.code ?? 0, error: record.error };
}
