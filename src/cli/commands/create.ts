/** `skiff create`: a container that does not run yet. */
import { containerFlags } from '../container-options/flags.ts';
import { defineCommand } from '../command.ts';
import { createContainer } from '../create-container.ts';
import { exitCode } from '../errors.ts';

export const create = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Make a container without starting it; prints its id',
  flags: containerFlags,
  arguments: [1, Infinity],
  interspersed: false,
  failureCode: exitCode.failed,
  run: async (context, invocation) => {
    const { id } = await createContainer(context, invocation, false);
    context.print(id);
    return 0;
  },
});
