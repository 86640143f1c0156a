/** In the foreground what is sent to us is meant for the container. */
import { constants } from 'node:os';
import type { PlanRun } from '#linux';

/**
 * Passes signals on until disposed. Not those nobody can catch, those that speak of this process itself (its
 * children, its pipes, its own faults), and with a terminal not SIGWINCH, which the helper in the same group gets itself.
 * Node cannot listen to real-time signals: they end this process, and the container lives on.
 */
export function forwardSignals(run: PlanRun, terminal: boolean): Disposable {
  const kept = ['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'SIGPIPE', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGPROF'];
  const names = (Object.keys(constants.signals) as NodeJS.Signals[]).filter(
    (name) => !kept.includes(name) && !(terminal && name === 'SIGWINCH'),
  );
  const forward = (name: NodeJS.Signals): void => run.signal(name);
  const caught = names.filter((name) => {
    try {
      process.on(name, forward);
      return true;
    } catch {
      // Some aliases and old signals are unknown to libuv.
      return false;
    }
  });
  return {
    [Symbol.dispose]: () => {
      for (const name of caught) process.off(name, forward);
    },
  };
}
