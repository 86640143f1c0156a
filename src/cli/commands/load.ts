/** `skiff load`: images from an archive. */
import { defineCommand } from '../command.ts';
import { text, toggle } from '../flag-types.ts';
import { openInput } from '../input-file.ts';
import { showProgress } from '../output/progress.ts';

export const load = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Take images out of an archive (docker save, OCI layout; plain, gzip or zstd)',
  flags: {
    input: text({ short: 'i', help: 'Read this file instead of stdin' }),
    platform: text({ help: 'Only the image for this platform, such as linux/arm64' }),
    quiet: toggle({ short: 'q', help: 'Only the names of what was loaded' }),
  },
  arguments: [0, 0],
  run: async (context, { flags }) => {
    const archive = await openInput(context, flags.input || '-', 'skiff load -i FILE');
    const options = { quiet: flags.quiet || context.stdout.isTTY !== true, platform: flags.platform || undefined };
    await context.client().images.load(archive, options, showProgress(context.stdout));
    return 0;
  },
});
