/** `skiff builder prune`: remove what builds keep for the next. */
import { formatBytes } from '#base';
import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { bytes, filterList, toggle } from '../flag-types.ts';
import { pruneBuildCache } from '../prune.ts';

export const builderPrune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove what builds keep for the next',
  flags: {
    all: toggle({ short: 'a', help: 'Also what images have too' }),
    filter: filterList({ help: 'Only what matches, such as until=24h or type=exec.cachemount' }),
    force: toggle({ short: 'f', help: 'Do not ask' }),
    'keep-storage': bytes({ help: 'Bytes that may stay', aliases: ['reserved-space'] }),
    'max-used-space': bytes({ help: 'Stop when no more than this is left' }),
    'min-free-space': bytes({ help: 'Stop when so much of the disk is free' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const which = flags.all ? 'all build cache' : 'all dangling build cache';
    const warning = `WARNING! This will remove ${which}.`;
    if (!flags.force && !(await confirm(context, warning))) return 0;
    const prune = pruneBuildCache({
      all: flags.all,
      reservedBytes: flags['keep-storage'],
      mostBytes: flags['max-used-space'],
      freeBytes: flags['min-free-space'],
    });
    const freedBytes = await prune(context, flags.filter);
    context.print(`Total reclaimed space: ${formatBytes(freedBytes, 4)}`);
    return 0;
  },
});
