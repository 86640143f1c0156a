/** `skiff pause`. */
import { defineCommand } from '../command.ts';
import { forEachOf } from '../for-each.ts';

export const pause = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Freeze all processes of containers',
  flags: {},
  arguments: [1, Infinity],
  run: (context, { args }) => {
    const { containers } = context.client();
    return forEachOf(context, args, (name) => containers.pause(name));
  },
});
