/** Asks before something is lost. */
import { createInterface } from 'node:readline/promises';
import type { CommandContext } from './command.ts';

/** compat: only `y` and `yes` are a yes; without a terminal the answer is read from stdin all the same. */
export async function confirm(context: CommandContext, warning: string): Promise<boolean> {
  const lines = createInterface({ input: context.stdin, output: context.stdout, terminal: false });
  try {
    const answer = await lines.question(`${warning}\nAre you sure you want to continue? [y/N] `);
    return ['y', 'yes'].includes(answer.trim().toLowerCase());
  } finally {
    lines.close();
  }
}
