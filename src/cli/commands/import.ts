/** `skiff import`: an image from a tar of a root file system. */
import { defineCommand } from '../command.ts';
import { list, text } from '../flag-types.ts';
import { openInput } from '../input-file.ts';

export const importImage = defineCommand({
  usage: '[OPTIONS] FILE|URL|- [REPOSITORY[:TAG]]',
  summary: 'Make an image from a tar of a root file system (plain, gzip or zstd); - reads stdin',
  flags: {
    change: list({ short: 'c', help: 'Dockerfile instruction for the image, such as CMD ["sh"]' }),
    message: text({ short: 'm', help: 'Comment' }),
    platform: text({ help: 'What the image is for, such as linux/arm64' }),
  },
  arguments: [1, 2],
  run: async (context, { flags, args: [source = '', reference] }) => {
    const { images } = context.client();
    const options = {
      reference,
      message: flags.message || undefined,
      changes: flags.change,
      platform: flags.platform || undefined,
    };
    const id = /^https?:\/\//.test(source)
      ? await images.importFrom(source, options)
      : await images.import(await openInput(context, source, 'skiff import FILE'), options);
    context.print(id);
    return 0;
  },
});
