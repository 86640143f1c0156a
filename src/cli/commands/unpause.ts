/** `skiff unpause`. */
import { defineCommand } from '../command.ts';
import { forEachOf } from '../for-each.ts';

export const unpause = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Let frozen containers go on',
  flags: {},
  arguments: [1, Infinity],
  run: (context, { args }) => {
    const { containers } = context.client();
    return forEachOf(context, args, (name) => containers.unpause(name));
  },
});
