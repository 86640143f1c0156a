/** `skiff pull`: an image from a registry. */
import { defineCommand } from '../command.ts';
import { contentTrust, text, toggle } from '../flag-types.ts';
import { pullImage } from '../pull-image.ts';

export const pull = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  summary: 'Get an image from a registry',
  flags: {
    'all-tags': toggle({ short: 'a', help: 'All tags of the repository' }),
    'disable-content-trust': contentTrust(),
    platform: text({ help: 'For this platform, such as linux/arm64, where there are several' }),
    quiet: toggle({ short: 'q', help: 'Only the name when it is there' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args: [reference = ''] }) => {
    await pullImage(context, reference, {
      platform: flags.platform,
      allTags: flags['all-tags'],
      quiet: flags.quiet,
      output: context.stdout,
    });
    return 0;
  },
});
