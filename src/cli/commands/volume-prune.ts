/** `skiff volume prune`: remove volumes no container has. */
import { formatBytes } from '#base';
import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { errors } from '../errors.ts';
import { filterList, toggle } from '../flag-types.ts';
import { pruneVolumes } from '../prune.ts';

export const volumePrune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove volumes no container has',
  flags: {
    all: toggle({ short: 'a', help: 'Also those somebody has named' }),
    filter: filterList({ help: 'Only those that match, such as label=a=b or label!=a' }),
    force: toggle({ short: 'f', help: 'Do not ask' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    if (flags.all && flags.filter.has('all')) {
      throw errors.invalid('conflicting options: cannot specify both --all and --filter all=1');
    }
    const filters = flags.all ? new Map([...flags.filter, ['all', ['true']] as const]) : flags.filter;
    const which = filters.has('all') ? 'all local volumes' : 'anonymous local volumes';
    const warning = `WARNING! This will remove ${which} not used by at least one container.`;
    if (!flags.force && !(await confirm(context, warning))) return 0;
    const freedBytes = await pruneVolumes(context, filters);
    context.print(`Total reclaimed space: ${formatBytes(freedBytes, 4)}`);
    return 0;
  },
});
