/** Hands a plan to the launcher, and waits for the first word of its shim. */
import type { SkiffError } from '#base';
import type { HelperEvent, Launcher, PlanFailure, ShimRecord } from '#linux';
import { errors } from './errors.ts';
import { encodePlan } from './plan/encode.ts';
import type { Plan } from './plan/op.ts';
import type { ProcessIdentity, RunningProcess } from './running-process.ts';

export interface Performance<T extends RunningProcess> {
  readonly launcher: Launcher;
  readonly shim: ShimRecord;
  readonly plan: Plan;
  /** The process that is there now. */
  readonly make: (identity: ProcessIdentity) => T;
  /** Why there is none. */
  readonly explain: (failure: PlanFailure) => SkiffError;
  /** Clients may connect to the shim with this pid. Its first word may have come before. */
  readonly onShim?: ((shimPid: number) => void) | undefined;
  /** Makes what the plan's `await` waits for, while the shim and its child begin. What it throws is the reason then. */
  readonly meanwhile?: (() => void) | undefined;
}

/** Resolves when the program runs, or is held; then the process hears all further events. Throws what `explain` says. */
export function performPlan<T extends RunningProcess>(performance: Performance<T>): Promise<T> {
  const { launcher, shim, plan, make, explain, onShim, meanwhile } = performance;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let process: T | undefined;
  let refusal: Error | undefined;
  const listener = (event: HelperEvent): void => {
    if (process && event.type === 'failed') {
      process.fail(explain(event));
    } else if (process) {
      process.event(event);
    } else if (event.type === 'created' || event.type === 'started') {
      process = make(event);
      process.event(event);
      resolve(process);
    } else if (event.type === 'failed') {
      reject(refusal ?? explain(event));
    } else if (event.type === 'shim-lost') {
      const message = `the shim of ${shim.id} ended before its container ran (wait status ${event.waitStatus})`;
      reject(errors.launchFailed(message));
    }
  };
  const launch = launcher.launch(meanwhile ? { ...shim, waits: true } : shim, encodePlan(plan), listener);
  launch.forked.then(onShim, reject);
  if (meanwhile) {
    try {
      meanwhile();
    } catch (error) {
      // Told when the shim has ended, so that nothing of it is in the way of who cleans up.
      refusal = error instanceof Error ? error : new Error(String(error));
    }
    launch.proceed(!refusal);
  }
  return promise;
}
