/** `skiff export`: a container's whole file system as a tar. */
import { defineCommand } from '../command.ts';
import { text } from '../flag-types.ts';
import { checkOutput, writeOutput } from '../output-file.ts';

export const exportContainer = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  summary: "Pack a container's whole file system as a tar",
  flags: { output: text({ short: 'o', help: 'Write to this file instead of stdout' }) },
  arguments: [1, 1],
  run: async (context, { flags, args: [name = ''] }) => {
    checkOutput(context, flags.output);
    await writeOutput(context, flags.output, await context.client().containers.export(name));
    return 0;
  },
});
