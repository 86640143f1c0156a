/**
 * Waiting for a promise that lives long, such as that of a container's end: `then` leaves with it whatever it is given, and all
 * that holds on to, until it is fulfilled. Who gives up waiting here leaves nothing.
 */

const waiting = new WeakMap<Promise<unknown>, Set<() => void>>();

/** Calls `act` once the promise is fulfilled, never at once, unless it is disposed before. */
export function whenFulfilled(promise: Promise<unknown>, act: () => void): Disposable {
  const acts = waiting.getOrInsertComputed(promise, begin);
  // One who waits twice is told twice.
  const entry = (): void => act();
  acts.add(entry);
  return { [Symbol.dispose]: () => void acts.delete(entry) };
}

/** A function of its own, for what it leaves with the promise holds on to all that is around it. */
function begin(promise: Promise<unknown>): Set<() => void> {
  const acts = new Set<() => void>();
  void promise.then(() => {
    waiting.delete(promise);
    for (const act of acts) act();
  });
  return acts;
}
