/** Why a foreign runtime did not start something, in the words and with the exit codes Docker has for it. */
import { getSystemErrorMessage } from 'node:util';
import { SkiffError } from '#base';
import type { PlanFailure } from '#linux';
import { failureError } from '../failure.ts';
import type { Plan } from '../plan/op.ts';
import { lastErrorIn } from './foreign-log.ts';

export type Stage = 'create' | 'start' | 'exec';

/** compat: what Docker's daemon has in front of a runtime's words; for an exec its API adds them. */
const prefixes: Readonly<Record<Stage, string>> = {
  create: 'failed to create task for container: failed to create shim task: OCI runtime create failed: ',
  start: 'failed to start task for container: OCI runtime start failed: ',
  exec: '',
};

/** Of a plan whose child was to become the runtime: it ended badly, and its log says why, or it never ran. */
export function foreignPlanFailure(
  stage: Stage,
  { plan, program, log }: { readonly plan: Plan; readonly program: string; readonly log: string },
  failure: PlanFailure,
): SkiffError {
  const op = (failure.stream === 'parent' ? plan.parent : plan.child)[failure.index];
  // Our own work in front of it failed: that is no affair of the runtime's.
  if (op && op.op !== 'findExec' && op.op !== 'exec') return failureError(plan, [program], failure);
  const said = op ? `fork/exec ${program}: ${getSystemErrorMessage(-failure.errno)}` : lastErrorIn(log);
  return foreignFailure(stage, said ?? failure.detail);
}

/** What the runtime said → the error of a start. */
export function foreignFailure(stage: Stage, said: string): SkiffError {
  const exitCode = exitCodeFor(said);
  const details = { details: { exitCode } };
  const message = `${prefixes[stage]}${said}: unknown`;
  if (exitCode === 127) return new SkiffError('invalid', 'runtime.commandNotFound', message, details);
  if (exitCode === 126) return new SkiffError('invalid', 'runtime.commandNotExecutable', message, details);
  return new SkiffError('internal', 'runtime.launchFailed', message, details);
}

/** compat: moby daemon/start_unix.go and errors.go look for these words of runc's, and of other runtimes'. */
function exitCodeFor(said: string): number {
  const words = said.toLowerCase();
  const has = (...any: readonly string[]): boolean => any.some((each) => words.includes(each));
  if (has('executable file not found', 'no such file or directory', 'executable file `')) return 127;
  if (has('permission denied', 'is a directory')) return 126;
  return 128;
}
