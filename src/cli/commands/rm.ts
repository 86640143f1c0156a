/** `skiff rm`: remove containers. */
import { defineCommand } from '../command.ts';
import { describe, errors, isKind } from '../errors.ts';
import { toggle } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';

export const rm = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Remove containers',
  flags: {
    force: toggle({ short: 'f', help: 'Kill those that run first; no failure when one is not there' }),
    link: toggle({ short: 'l', help: 'Remove the link of that name, as container/alias' }),
    volumes: toggle({ short: 'v', help: 'Remove their anonymous volumes too' }),
  },
  arguments: [1, Infinity],
  run: (context, { flags, args }) => {
    const { containers } = context.client();
    return forEachOf(context, args, async (name) => {
      if (name === '') throw errors.invalid('container name cannot be empty');
      try {
        await containers.remove(name, flags);
        return undefined;
      } catch (error) {
        if (!flags.force || !isKind(error, 'not-found')) throw error;
        context.complain(describe(error));
        return null;
      }
    });
  },
});
