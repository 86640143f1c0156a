/** What signals mean to the daemon. */
import { constants } from 'node:os';
import type { Log } from '#base';

/** compat: of dockerd's patience with itself: the third signal ends it at once. */
const FORCED = 3;

export interface SignalHandlers {
  /** SIGHUP. */
  reload(): void;
  readonly log: Log;
}

/** Resolves with the first SIGTERM or SIGINT. To be called once. */
export function awaitSignal({ reload, log }: SignalHandlers): Promise<NodeJS.Signals> {
  process.on('SIGHUP', reload);
  // Node would open its debugger to the whole machine.
  process.on('SIGUSR1', () => log.info('state of the daemon', stateOfProcess()));
  return new Promise((resolve) => {
    let count = 0;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        count += 1;
        log.info('processing signal', { signal });
        if (count < FORCED) resolve(signal);
        else {
          log.warn('forcing shutdown without cleaning up', { interrupts: count });
          process.exit(128 + constants.signals[signal]);
        }
      });
    }
  });
}

function stateOfProcess(): Record<string, number> {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external, handles: process.getActiveResourcesInfo().length };
}
