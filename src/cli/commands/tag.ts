/** `skiff tag`: another name for an image. */
import { messageOf } from '#base';
import { parseReference } from '#registry/credentials';
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';

export const tag = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Give an image one more name',
  flags: {},
  arguments: [2, 2],
  run: async (context, { args: [source = '', target = ''] }) => {
    checkTarget(target);
    await context.client().images.tag(source, target);
    return 0;
  },
});

/** compat: refused before the daemon is asked, in Docker's words. */
function checkTarget(target: string): void {
  let digest: string | undefined;
  try {
    ({ digest } = parseReference(target));
  } catch (error) {
    throw errors.invalid(
      `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${messageOf(error)}`,
    );
  }
  if (digest !== undefined) throw errors.invalid('refusing to create a tag with a digest reference');
}
