/** `skiff update`: other limits and another restart policy for containers, running ones too. */
import { defineCommand } from '../command.ts';
import { restartPolicy, toLimits, toNetworkLimits } from '../container-options/create-body.ts';
import { updateFlags } from '../container-options/flags.ts';
import { errors } from '../errors.ts';
import { forEachOf } from '../for-each.ts';

export const update = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Change limits and restart policies of containers, running ones too',
  flags: updateFlags,
  arguments: [1, Infinity],
  run: (context, { flags, given, args }) => {
    if (given.size === 0) throw errors.invalid('you must provide one or more flags when using this command');
    const { containers } = context.client();
    const changes = { ...toLimits(flags), ...toNetworkLimits(flags), ...restartPolicy(flags) };
    return forEachOf(context, args, async (name) => {
      for (const warning of await containers.update(name, changes)) context.complain(`WARNING: ${warning}`);
      return undefined;
    });
  },
});
