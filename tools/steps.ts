/** Runs named commands one after the other, shows the output of those that fail, and sums up. */
import { spawn } from 'node:child_process';

export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Show the output as it comes, not only after a failure. */
  readonly live?: boolean;
}

/** Gives 0 when all steps (or those wished for) succeeded, else 1. */
export async function runSteps(steps: readonly Step[], only: readonly string[] = []): Promise<number> {
  const unknown = only.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(`no such step: ${unknown.join(', ')}; there are ${steps.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const failed: string[] = [];
  for (const step of steps.filter(({ name }) => only.length === 0 || only.includes(name))) {
    const start = performance.now();
    const { code, output } = await run(step);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)`);
    if (code === 0) continue;
    failed.push(step.name);
    if (step.live !== true) console.log(output);
  }
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

function run({ command: [program, ...args], live }: Step): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: live ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
