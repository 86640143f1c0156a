/** `skiff commit`: an image of what a container has changed. */
import { defineCommand } from '../command.ts';
import { list, text, toggle } from '../flag-types.ts';

export const commit = defineCommand({
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  summary: 'Make an image of what a container has changed',
  flags: {
    author: text({ short: 'a', help: 'Who made it, such as "Ada <ada@example.org>"' }),
    change: list({ short: 'c', help: 'Dockerfile instruction for the image, such as CMD ["sh"]' }),
    message: text({ short: 'm', help: 'Comment' }),
    pause: toggle({ short: 'p', help: 'Freeze the container meanwhile', initial: true }),
    'no-pause': toggle({ help: 'Let the container go on meanwhile' }),
  },
  arguments: [1, 2],
  run: async (context, { flags, args: [container = '', reference] }) => {
    const id = await context.client().images.commit(container, {
      reference,
      comment: flags.message || undefined,
      author: flags.author || undefined,
      changes: flags.change,
      pause: flags.pause && !flags['no-pause'],
    });
    context.print(id);
    return 0;
  },
});
