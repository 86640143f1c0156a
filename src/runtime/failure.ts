/** A failure the helper reports → an error a person can act on. */
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { SkiffError } from '#base';
import type { PlanFailure } from '#linux';
import { type OpName, opShapes, type Plan } from './plan/op.ts';
import { printOp } from './plan/print.ts';

/**
 * compat: Docker's clients look for "executable file not found", "no such file or directory" and "permission denied" in
 * the message of a failed start to choose exit code 127 or 126.
 */
export function failureError(plan: Plan, args: readonly string[], failure: PlanFailure): SkiffError {
  const op = (failure.stream === 'parent' ? plan.parent : plan.child)[failure.index];
  return describeFailure(op && { ...op, name: op.op, text: printOp(op) }, args, failure);
}

/** The same when the plan is not at hand: a failure after the container was held, heard by `start`. */
export function lateFailureError(args: readonly string[], failure: PlanFailure): SkiffError {
  const name = (Object.keys(opShapes) as OpName[]).find((known) => opShapes[known].code === failure.code);
  return describeFailure(name && { name, text: name }, args, failure);
}

interface FailedOp {
  readonly name: OpName;
  readonly text: string;
  readonly path?: string;
}

function describeFailure(op: FailedOp | undefined, args: readonly string[], failure: PlanFailure): SkiffError {
  const reason = describeErrno(failure.errno);
  if (op?.name === 'findExec' || op?.name === 'exec') return execError(args[0] ?? '', failure, reason);
  // MKDIR_IN makes the working directory where it is missing, and nothing else.
  if (op?.name === 'chdir' || op?.name === 'mkdirIn') {
    const message = `cannot enter the working directory "${op.path ?? failure.detail}" in the container: ${reason}`;
    return new SkiffError('invalid', 'runtime.workingDirectory', message, { details: { exitCode: 126 } });
  }
  const doing = op ? `${failure.stream} operation ${failure.index} (${op.text})` : 'the shim';
  const detail = failure.detail === '' ? '' : `: ${failure.detail}`;
  return new SkiffError('internal', 'runtime.launchFailed', `cannot start the container: ${doing}${detail}: ${reason}`);
}

function execError(program: string, failure: PlanFailure, reason: string): SkiffError {
  const { ENOENT, EACCES } = constants.errno;
  const inPath = !program.includes('/');
  if (failure.errno === ENOENT) {
    const why = inPath ? 'executable file not found in $PATH' : `stat ${program}: no such file or directory`;
    return new SkiffError('invalid', 'runtime.commandNotFound', `exec: "${program}": ${why}`, {
      details: { exitCode: 127 },
    });
  }
  const why = failure.errno === EACCES ? 'permission denied' : reason;
  return new SkiffError('invalid', 'runtime.commandNotExecutable', `exec: "${program}": ${why}`, {
    details: { exitCode: 126 },
  });
}

/** `operation not permitted (EPERM)`. */
export function describeErrno(errno: number): string {
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
  return name === undefined ? `errno ${errno}` : `${getSystemErrorMessage(-errno)} (${name})`;
}
