/** `skiff debug plan`: the kernel operations that start a container. */
import { defineCommand } from '../command.ts';

export const debugPlan = defineCommand({
  usage: 'CONTAINER',
  summary: 'Print the kernel operations that start a container, in order',
  flags: {},
  arguments: [1, 1],
  run: async (context, { args }) => {
    const text = await context.client().containers.plan(args[0]!);
    context.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    return 0;
  },
});
