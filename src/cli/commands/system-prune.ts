/** `skiff system prune`: remove what nothing uses, of every kind. */
import { formatBytes } from '#base';
import type { Filters } from '#client';
import { defineCommand } from '../command.ts';
import { confirm } from '../confirm.ts';
import { errors } from '../errors.ts';
import { filterList, toggle } from '../flag-types.ts';
import { pruneBuildCache, pruneContainers, pruneImages, pruneNetworks, pruneVolumes } from '../prune.ts';

interface What {
  readonly all: boolean;
  readonly volumes: boolean;
  readonly filter: Filters;
}

export const systemPrune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove containers, networks, images and build cache that nothing uses',
  flags: {
    all: toggle({ short: 'a', help: 'Also images with names that no container uses, and all of the build cache' }),
    filter: filterList({ help: 'Only what matches, such as label=a=b or until=24h' }),
    force: toggle({ short: 'f', help: 'Do not ask' }),
    volumes: toggle({ help: 'Also volumes nobody has named' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    if (flags.volumes && flags.filter.has('until')) {
      throw errors.invalid('ERROR: The "until" filter is not supported with "--volumes"');
    }
    if (!flags.force && !(await confirm(context, warningOf(flags)))) return 0;
    let freedBytes = 0;
    // Containers first: what only they used is free then.
    for (const prune of [
      pruneContainers,
      pruneNetworks,
      ...(flags.volumes ? [pruneVolumes] : []),
      pruneImages(flags.all),
      pruneBuildCache({ all: flags.all }),
    ]) {
      freedBytes += await prune(context, flags.filter);
    }
    context.print(`Total reclaimed space: ${formatBytes(freedBytes, 4)}`);
    return 0;
  },
});

/** compat: Docker's words. */
function warningOf({ all, volumes, filter }: What): string {
  const filters = [...filter]
    .flatMap(([name, values]) => values.map((value) => `${name}=${value}`))
    .sort((a, b) => (a < b ? -1 : 1));
  return [
    'WARNING! This will remove:',
    '  - all stopped containers',
    '  - all networks not used by at least one container',
    ...(volumes ? ['  - all anonymous volumes not used by at least one container'] : []),
    all ? '  - all images without at least one container associated to them' : '  - all dangling images',
    all ? '  - all build cache' : '  - unused build cache',
    ...(filters.length > 0 ? ['', '  Items to be pruned will be filtered with:'] : []),
    ...filters.map((each) => `  - ${each}`),
    '',
  ].join('\n');
}
