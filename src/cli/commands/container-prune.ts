/** `skiff container prune`: remove all containers that do not run. */
import { formatBytes } from '#base';
import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { filterList, toggle } from '../flag-types.ts';
import { pruneContainers } from '../prune.ts';

export const containerPrune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove all containers that do not run',
  flags: {
    filter: filterList({ help: 'Only those that match, such as until=24h or label=a=b' }),
    force: toggle({ short: 'f', help: 'Do not ask' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const warning = 'WARNING! This will remove all stopped containers.';
    if (!flags.force && !(await confirm(context, warning))) return 0;
    const freedBytes = await pruneContainers(context, flags.filter);
    context.print(`Total reclaimed space: ${formatBytes(freedBytes, 4)}`);
    return 0;
  },
});
