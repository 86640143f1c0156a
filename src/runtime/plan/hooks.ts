/** Hooks that run while the plan is performed; poststart and poststop belong to the command that starts or deletes. */
import { OCI_RUNTIME_VERSION, type Hook, type StateStatus } from '#specs';
import { errors } from '../errors.ts';
import type { Op } from './op.ts';

export interface HookState {
  readonly id: string;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Each hook reads the container's state from stdin, in parts between which the helper puts the child's pid. */
export function planHooks(hooks: readonly Hook[] | undefined, stdin: () => readonly string[]): Op[] {
  return (hooks ?? []).map((hook) => {
    if (!hook.path?.startsWith('/')) {
      throw errors.invalidSpec('hooks[].path', `"${hook.path}"`, 'give an absolute path');
    }
    if (hook.timeout !== undefined && hook.timeout <= 0) {
      throw errors.invalidSpec(`the timeout of hook ${hook.path}`, String(hook.timeout), 'give seconds above 0');
    }
    return {
      op: 'hook',
      path: hook.path,
      args: hook.args && hook.args.length > 0 ? hook.args : [hook.path],
      env: hook.env ?? [],
      timeoutMs: (hook.timeout ?? 0) * 1000,
      stdin: stdin(),
    };
  });
}

/** runtime.md, "State", as JSON in two parts: before and after the pid. */
export function stateParts(state: HookState, status: StateStatus): [before: string, after: string] {
  const head = JSON.stringify({ ociVersion: OCI_RUNTIME_VERSION, id: state.id, status });
  const tail = JSON.stringify({ bundle: state.bundle, annotations: state.annotations ?? {} });
  return [`${head.slice(0, -1)},"pid":`, `,${tail.slice(1)}`];
}
