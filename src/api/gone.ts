/** Waiting for a client, which may go away at any time: also before the wait began. */

/** Until the client has taken what was written, or has gone. */
export function drained(response: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  return untilGone(signal, (resolve) => response.once('drain', resolve));
}

/**
 * Until the client has gone, or what `listen` waits for has come. A signal that was aborted before
 * says nothing to those who listen later.
 */
export function untilGone(signal: AbortSignal, listen: (resolve: () => void) => void): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    listen(done);
  });
}
