/** `skiff tag`: another name for an image. */
import { defineCommand } from '../command.ts';

export const tag = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Give an image one more name',
  flags: {},
  arguments: [2, 2],
  run: async (context, { args: [source = '', target = ''] }) => {
    await context.client().images.tag(source, target);
    return 0;
  },
});
