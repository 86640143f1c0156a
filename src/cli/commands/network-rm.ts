/** `skiff network rm`: remove networks. */
import { defineCommand } from '../command.ts';
import { isKind } from '../errors.ts';
import { toggle } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';

export const networkRm = defineCommand({
  usage: 'NETWORK [NETWORK...]',
  summary: 'Remove networks',
  flags: { force: toggle({ short: 'f', help: 'No failure when one is not there' }) },
  arguments: [1, Infinity],
  run: (context, { flags, args }) => {
    const { networks } = context.client();
    return forEachOf(context, args, async (name) => {
      try {
        await networks.remove(name);
        return undefined;
      } catch (error) {
        if (!flags.force || !isKind(error, 'not-found')) throw error;
        return null;
      }
    });
  },
});
