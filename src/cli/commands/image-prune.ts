/** `skiff image prune`: remove images nobody needs. */
import { formatBytes } from '#base';
import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { filterList, toggle } from '../flag-types.ts';
import { pruneImages } from '../prune.ts';

export const imagePrune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove images without a name, or with -a all that no container uses',
  flags: {
    all: toggle({ short: 'a', help: 'Also images with names that no container uses' }),
    filter: filterList({ help: 'Only those that match, such as until=24h or label=a=b' }),
    force: toggle({ short: 'f', help: 'Do not ask' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const what = flags.all
      ? 'WARNING! This will remove all images without at least one container associated to them.'
      : 'WARNING! This will remove all dangling images.';
    if (!flags.force && !(await confirm(context, what))) return 0;
    const freedBytes = await pruneImages(flags.all)(context, flags.filter);
    context.print(`Total reclaimed space: ${formatBytes(freedBytes, 4)}`);
    return 0;
  },
});
