/** `skiff context show`: the name of the context in use. */
import { defineCommand } from '../command.ts';
import { currentName } from '../contexts/default-context.ts';

export const contextShow = defineCommand({
  usage: '',
  summary: 'Print the name of the context in use',
  flags: {},
  arguments: [0, 0],
  run: async (context) => {
    context.print(currentName(context));
    return 0;
  },
});
