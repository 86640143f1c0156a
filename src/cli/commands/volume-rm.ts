/** `skiff volume rm`: remove volumes with all that is in them. */
import { defineCommand } from '../command.ts';
import { toggle } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';

export const volumeRm = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Remove volumes with all that is in them',
  flags: { force: toggle({ short: 'f', help: 'No failure when one is not there' }) },
  arguments: [1, Infinity],
  run: (context, { flags, args }) => {
    const { volumes } = context.client();
    return forEachOf(context, args, (name) => volumes.remove(name, flags));
  },
});
