/** `skiff wait`: until containers have ended. */
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { forEachOf } from '../for-each.ts';

export const wait = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Wait for containers to end and print their exit codes',
  flags: {},
  arguments: [1, Infinity],
  run: (context, { args }) => {
    const { containers } = context.client();
    return forEachOf(context, args, async (name) => {
      const { code, error } = await containers.wait(name);
      if (error !== '' && code === 0) throw errors.invalid(error);
      return String(code);
    });
  },
});
