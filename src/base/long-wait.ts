/** Waits of any length. Node's timers count 31 bits of milliseconds, 24.8 days: what is longer would be over at once. */
import { setTimeout as after } from 'node:timers/promises';

const LONGEST_MS = 2 ** 31 - 1;

/** True when the time is over, false as soon as the signal is aborted. Never throws. */
export async function waitMs(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  let left = Math.max(milliseconds, 0);
  try {
    do {
      await after(Math.min(left, LONGEST_MS), undefined, { signal });
      left -= LONGEST_MS;
    } while (left > 0);
    return true;
  } catch {
    return false;
  }
}
