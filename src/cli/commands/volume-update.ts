/** `skiff volume update`: of volumes of a swarm; any other is refused in Docker's words. */
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { text } from '../flag-types.ts';

export const volumeUpdate = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  summary: 'Change a volume of a swarm, which there is none of here',
  flags: { availability: text({ help: 'active, pause or drain', initial: 'active' }) },
  arguments: [1, 1],
  run: async (context, { args: [name = ''] }) => {
    await context.client().volumes.inspectText(name);
    throw errors.invalid('can only update cluster volumes');
  },
});
