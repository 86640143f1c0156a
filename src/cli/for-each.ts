/** The same act on each of several objects: names that worked on stdout, reasons for the others on stderr. */
import type { CommandContext } from './command.ts';
import { describe, exitCode } from './errors.ts';

/** What is printed for an object: a text, its name (nothing returned), or nothing at all (null). */
export type Shown = string | null | undefined | void;

/**
 * All at once, reported in the order given. The exit code says whether all worked.
 */
export async function forEachOf(
  context: CommandContext,
  names: readonly string[],
  act: (name: string) => Promise<Shown>,
): Promise<number> {
  const outcomes = names.map((name) =>
    act(name).then(
      (text) => ({ text: text === undefined ? name : text }),
      (error: unknown) => ({ error }),
    ),
  );
  let failed = false;
  for (const outcome of outcomes) {
    const result = await outcome;
    if ('error' in result) {
      failed = true;
      context.complain(describe(result.error));
    } else if (result.text !== null) context.print(result.text);
  }
  return failed ? exitCode.failed : 0;
}
