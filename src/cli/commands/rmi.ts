/** `skiff rmi`: remove images, or names of images. */
import { defineCommand } from '../command.ts';
import { describe, isKind } from '../errors.ts';
import { toggle } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';

export const rmi = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Remove images, or names of images that have several',
  flags: {
    force: toggle({ short: 'f', help: 'Also when a stopped container uses it' }),
    'no-prune': toggle({ help: 'Keep parents without a name' }),
  },
  arguments: [1, Infinity],
  run: (context, { flags, args }) => {
    const { images } = context.client();
    return forEachOf(context, args, async (name) => {
      try {
        const { untagged, deleted } = await images.remove(name, { force: flags.force, keepParents: flags['no-prune'] });
        const lines = [...untagged.map((each) => `Untagged: ${each}`), ...deleted.map((each) => `Deleted: ${each}`)];
        return lines.length === 0 ? null : lines.join('\n');
      } catch (error) {
        if (!flags.force || !isKind(error, 'not-found')) throw error;
        context.complain(describe(error));
        return null;
      }
    });
  },
});
