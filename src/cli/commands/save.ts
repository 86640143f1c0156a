/** `skiff save`: images as an archive that Skiff, Docker, Podman and OCI tools read. */
import { defineCommand } from '../command.ts';
import { text } from '../flag-types.ts';
import { checkOutput, writeOutput } from '../output-file.ts';

export const save = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Put images into an archive, on stdout or in a file',
  flags: {
    output: text({ short: 'o', help: 'Write to this file instead of stdout' }),
    platform: text({ help: 'Only the images for this platform, such as linux/amd64' }),
  },
  arguments: [1, Infinity],
  run: async (context, { flags, args }) => {
    checkOutput(context, flags.output);
    const archive = await context.client().images.save(args, { platform: flags.platform || undefined });
    await writeOutput(context, flags.output, archive);
    return 0;
  },
});
