/**
 * Gives back the memory of buffers that have been used up. V8 counts such memory, but only looks after it when it has
 * grown by 64 MiB: with several threads that is most of what a daemon needs. A collection of the young objects, which
 * in a thread of this kind are few, frees them in less than a millisecond.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 8 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;
let collect: Collect | undefined;
let bytes = 0;

/** To be told of each buffer that is used up. Only for worker threads: it stops the thread for a moment. */
export function usedUp(buffer: Uint8Array): void {
  bytes += buffer.length;
  if (bytes < EVERY_BYTES) return;
  bytes = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
