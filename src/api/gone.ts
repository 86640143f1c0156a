/** Waiting for a client, which may go away at any time: also before the wait began. */
import type { Duplex } from 'node:stream';

/** Until the client has taken what was written, or has gone. */
export function drained(response: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  return untilGone(signal, (resolve) => response.once('drain', resolve));
}

/** Aborted once a connection that was taken over is closed. */
export function closedSignal(client: Duplex): AbortSignal {
  const closed = new AbortController();
  const abort = (): void => closed.abort(new Error('the client has gone'));
  if (client.destroyed) abort();
  else client.once('close', abort);
  return closed.signal;
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
