/** `skiff update`: other limits for containers, running ones too. */
import { defineCommand } from '../command.ts';
import { toLimits } from '../container-options/create-body.ts';
import { limitFlags } from '../container-options/flags.ts';
import { errors } from '../errors.ts';
import { forEachOf } from '../for-each.ts';

export const update = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Change the limits of containers, running ones too',
  flags: limitFlags,
  arguments: [1, Infinity],
  run: (context, { flags, given, args }) => {
    if (given.size === 0) throw errors.invalid('you must provide one or more flags when using this command');
    const { containers } = context.client();
    const limits = toLimits(flags);
    return forEachOf(context, args, async (name) => {
      for (const warning of await containers.update(name, limits)) context.complain(`WARNING: ${warning}`);
      return undefined;
    });
  },
});
