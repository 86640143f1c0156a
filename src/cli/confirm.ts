/** Asks before something is lost. */
import type { CommandContext } from './command.ts';
import { prompt } from './streams/prompt.ts';

/** compat: only `y` is a yes, and no answer is a no; without a terminal it is read from stdin all the same. */
export async function confirm(context: CommandContext, warning: string): Promise<boolean> {
  const question = `${warning}\nAre you sure you want to continue? [y/N] `;
  const answer = await prompt(question, { stdin: context.stdin, output: context.stdout });
  return answer.trim().toLowerCase() === 'y';
}
