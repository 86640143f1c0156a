/** A client's connection joined with a container's: bytes pass, until one of them ends or the client detaches. */
import type { Socket } from 'node:net';
import { type Duplex, Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from '#wire';
import { errors } from './errors.ts';

export interface Detach {
  readonly keys: DetachKeys;
  /** Called when they were typed. */
  announce(): void;
}

/** compat: the keys of a terminal's client, Docker's own where it names none. Throws `api.invalid`. */
export function detachOf(text: string): Pick<Detach, 'keys'> {
  const keys = parseDetachKeys(text === '' ? DEFAULT_DETACH_KEYS : text);
  if (!keys) throw errors.invalid(`Invalid detach keys (${text}) provided`);
  return { keys: new DetachKeys(keys) };
}

/** A program may close its output and go on; then its client is not kept. */
const EXIT_WAIT_MS = 500;

/**
 * The shim already speaks Docker's stream format: output passes through unread. With `exited` the end of the output is told
 * after the program's, where that comes at once: who then asks for the exit code gets it.
 */
export function joinStreams(client: Duplex, container: Socket, detach?: Detach, exited?: Promise<unknown>): void {
  // What the client still sends is read and dropped: a reset could cost it output that is on its way.
  const finish = (): void => {
    client.unpipe();
    client.end();
    client.resume();
    container.destroy();
  };
  container.on('error', finish);
  container.once('end', () => {
    if (!exited) finish();
    else void Promise.race([exited, pause(EXIT_WAIT_MS, undefined, { ref: false })]).then(finish);
  });
  client.on('error', () => container.destroy());
  client.on('close', () => container.destroy());
  if (client.destroyed) container.destroy();
  if (detach) client.pipe(untilKeys(detach, finish)).pipe(container);
  else client.pipe(container);
  container.pipe(client, { end: false });
}

function untilKeys({ keys, announce }: Detach, finish: () => void): Transform {
  let isDetached = false;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const { data, detached } = isDetached ? { data: Buffer.alloc(0), detached: false } : keys.push(chunk);
      done(null, data);
      if (!detached) return;
      isDetached = true;
      announce();
      finish();
    },
  });
}
