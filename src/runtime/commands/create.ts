/** `create`: everything but the program, which waits for `start`. */
import { createContainer } from '../oci/create.ts';
import { defineCommand } from './command.ts';
import { createFlags, createRequest } from './create-flags.ts';
import { prefixed } from './launch-errors.ts';

export const command = defineCommand({
  usage: '[flags] <container-id>',
  about: 'create a container',
  flags: createFlags,
  args: [1, 1],
  action: async (context, flags, [id = '']) => {
    await prefixed('create failed', () => createContainer(context, createRequest(id, flags)));
  },
});
