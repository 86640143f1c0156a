/** Passes signals this process gets on to a container. */

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
export function forwardSignals(send: (signal: string) => Promise<void>): Disposable {
  const forward = (signal: NodeJS.Signals): void => void send(signal).catch(() => {});
  for (const signal of forwarded) process.on(signal, forward);
  return {
    [Symbol.dispose]: () => {
      for (const signal of forwarded) process.off(signal, forward);
    },
  };
}
