/** `skiff volume rename`: another name for a volume no container has. Docker has none. */
import { defineCommand } from '../command.ts';

export const volumeRename = defineCommand({
  usage: 'VOLUME NEW_NAME',
  summary: 'Give a volume another name',
  flags: {},
  arguments: [2, 2],
  run: async (context, { args: [from = '', to = ''] }) => {
    await context.client().volumes.rename(from, to);
    return 0;
  },
});
