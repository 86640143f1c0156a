/** `skiff rename`. */
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';

export const rename = defineCommand({
  usage: 'CONTAINER NEW_NAME',
  summary: 'Give a container another name',
  flags: {},
  arguments: [2, 2],
  run: async (context, { args: [container = '', name = ''] }) => {
    if (container === '' || name === '') throw errors.invalid('neither the container nor its new name may be empty');
    await context.client().containers.rename(container, name);
    return 0;
  },
});
