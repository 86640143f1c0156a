/** Passes signals this process gets on to a container. */
import type { SignalSource } from '../command.ts';

/**
 * compat: Docker passes on all it can catch. Left out on purpose: SIGWINCH, which is about our terminal and which
 * servers such as nginx take for an order to stop; SIGCHLD, SIGPIPE and SIGURG, which are about ourselves.
 */
const forwarded: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
];

/** Until it is disposed. A signal the container cannot get is lost: it has ended, or not begun. */
export function forwardSignals(source: SignalSource, send: (signal: string) => Promise<void>): Disposable {
  return source.watch(forwarded, (signal) => void send(signal).catch(() => {}));
}

/** Of this process. */
export const processSignals: SignalSource = {
  watch: (names, caught) => {
    for (const name of names) process.on(name, caught);
    return {
      [Symbol.dispose]: () => {
        for (const name of names) process.off(name, caught);
      },
    };
  },
};
