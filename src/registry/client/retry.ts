/** Trying again: exponential back-off with jitter, and what a registry itself asks to be waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryRefusal } from '../errors.ts';
import type { RegistryConfig } from './config.ts';
import { isTransient } from './failures.ts';

export type BackOff = Pick<RegistryConfig, 'maxAttempts' | 'backoffMs' | 'maxBackoffMs' | 'maxRetryAfterMs'>;

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told before each wait. */
  readonly onRetry?: ((inMs: number, error: unknown) => void) | undefined;
  /** Grows as long as there is progress: a try that moved something is not counted. */
  readonly progress?: (() => number) | undefined;
}

/** Runs `attempt` until it succeeds, fails for good, or has failed too often; then throws its last error. */
export async function retrying<T>(
  attempt: () => Promise<T>,
  backOff: BackOff,
  { signal, onRetry, progress = () => 0 }: RetryOptions = {},
): Promise<T> {
  let failures = 0;
  for (;;) {
    signal?.throwIfAborted();
    const before = progress();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      failures = progress() > before ? 1 : failures + 1;
      const waitMs = isTransient(error) ? waitBefore(failures, error, backOff) : undefined;
      if (waitMs === undefined || failures >= backOff.maxAttempts) throw error;
      onRetry?.(waitMs, error);
      await pause(waitMs, signal);
    }
  }
}

/** Milliseconds to wait after so many failures in a row; undefined when the registry wants more than we give. */
function waitBefore(failures: number, error: unknown, backOff: BackOff): number | undefined {
  const asked = error instanceof RegistryRefusal ? error.retryAfterMs : undefined;
  if (asked !== undefined) return asked > backOff.maxRetryAfterMs ? undefined : Math.max(asked, backOff.backoffMs);
  const longest = Math.min(backOff.maxBackoffMs, backOff.backoffMs * 2 ** (failures - 1));
  // Half of it is chance, so that many who failed together do not come back together.
  return longest / 2 + (Math.random() * longest) / 2;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
