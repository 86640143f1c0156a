/** Whether a container that has ended is started again, and after how long. Pure: no timers, no clock. */
import { errors } from './errors.ts';

export type RestartPolicyName = 'no' | 'always' | 'unless-stopped' | 'on-failure';

export interface RestartPolicy {
  readonly name: RestartPolicyName;
  /** Of `on-failure`: so many restarts at most; 0 for any number. */
  readonly maximumRetries: number;
}

export const noRestart: RestartPolicy = { name: 'no', maximumRetries: 0 };

/** compat: restartmanager's delays. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** One that ran so long is not failing: the delays begin anew. */
const STEADY_MS = 10_000;

/** Throws `container.invalid` in Docker's words for an unknown name and for retries that make no sense. */
export function parseRestartPolicy(name: string, maximumRetries: number): RestartPolicy {
  if (name === '') return noRestart;
  if (name !== 'no' && name !== 'always' && name !== 'unless-stopped' && name !== 'on-failure') {
    throw errors.invalid(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (name !== 'on-failure' && maximumRetries !== 0) {
    const negative = maximumRetries < 0 ? ' and cannot be negative' : '';
    throw errors.invalid(`invalid restart policy: maximum retry count can only be used with 'on-failure'${negative}`);
  }
  if (maximumRetries < 0) throw errors.invalid('invalid restart policy: maximum retry count cannot be negative');
  return { name, maximumRetries };
}

export interface Ending {
  readonly policy: RestartPolicy;
  readonly exitCode: number;
  readonly stoppedByUser: boolean;
  /** Restarts since somebody started it. */
  readonly restartCount: number;
}

/** compat: `always` is stopped only by who cancels it; a count that is used up ends `on-failure`. */
export function restartsAfter({ policy, exitCode, stoppedByUser, restartCount }: Ending): boolean {
  switch (policy.name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !stoppedByUser;
    case 'on-failure':
      return exitCode !== 0 && (policy.maximumRetries === 0 || restartCount < policy.maximumRetries);
    default:
      return false;
  }
}

/** Twice the delay before; the first one for a container that has run for a while, and at the beginning (0). */
export function nextDelayMs(beforeMs: number, ranMs: number): number {
  if (beforeMs === 0 || ranMs >= STEADY_MS) return FIRST_DELAY_MS;
  return Math.min(beforeMs * 2, LONGEST_DELAY_MS);
}

/**
 * Whether a container that does not run is started when the daemon starts. compat: one that nobody ever started is
 * not; `on-failure` is about the program's end, not about the daemon's.
 */
export function startsWithDaemon(policy: RestartPolicy, wasStarted: boolean, stoppedByUser: boolean): boolean {
  if (!wasStarted) return false;
  return policy.name === 'always' || (policy.name === 'unless-stopped' && !stoppedByUser);
}
