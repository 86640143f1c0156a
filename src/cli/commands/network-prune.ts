/** `skiff network prune`: remove all networks no container is on. */
import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { filterList, toggle } from '../flag-types.ts';
import { pruneNetworks } from '../prune.ts';

export const networkPrune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove all networks no container is on',
  flags: {
    filter: filterList({ help: 'Only those that match, such as until=24h or label=a=b' }),
    force: toggle({ short: 'f', help: 'Do not ask' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const warning = 'WARNING! This will remove all custom networks not used by at least one container.';
    if (!flags.force && !(await confirm(context, warning))) return 0;
    await pruneNetworks(context, flags.filter);
    return 0;
  },
});
