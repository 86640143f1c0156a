/** `skiff top`: the processes of a container. */
import { defineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';

export const top = defineCommand({
  usage: 'CONTAINER [ps OPTIONS]',
  summary: 'List the processes of a container',
  flags: {},
  arguments: [1, Infinity],
  interspersed: false,
  run: async (context, { args: [container = '', ...options] }) => {
    const { titles, processes } = await context.client().containers.top(container, options.join(' ') || undefined);
    context.stdout.write(formatTable([titles, ...processes], { minWidth: 20 }));
    return 0;
  },
});
