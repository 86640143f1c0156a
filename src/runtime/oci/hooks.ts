/** poststart and poststop: the hooks that run when the container is not being made, each in a helper of its own. */
import { messageOf } from '#base';
import { runPlan } from '#linux';
import type { Hook, RuntimeConfig } from '#specs';
import { errors } from '../errors.ts';
import { describeErrno } from '../failure.ts';
import { encodePlan } from '../plan/encode.ts';
import { planHooks } from '../plan/hooks.ts';

/**
 * Runs them in order with the state on stdin. One that fails does not keep the others from running:
 * spec: runtime.md, "Lifecycle", steps 9 and 12: a warning, and the lifecycle goes on.
 */
export async function runHooks(
  stage: 'poststart' | 'poststop',
  config: RuntimeConfig,
  state: object,
  warn: (message: string) => void,
): Promise<void> {
  for (const hook of config.hooks?.[stage] ?? []) {
    try {
      await runHook(stage, hook, JSON.stringify(state));
    } catch (error) {
      warn(messageOf(error));
    }
  }
}

async function runHook(stage: string, hook: Hook, input: string): Promise<void> {
  const parent = planHooks([hook], () => [input]);
  const run = runPlan({ plan: encodePlan({ parent, child: [] }), preserveFds: 0 });
  const ready = await run.ready;
  await run.ended;
  if (ready.type === 'failed') {
    throw errors.hook(stage, `${ready.detail || hook.path}: ${describeErrno(ready.errno)}`);
  }
}
