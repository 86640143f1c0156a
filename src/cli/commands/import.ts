/** `skiff import`: an image from a tar of a root file system. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type CommandContext, defineCommand } from '../command.ts';
import { errors, fileError } from '../errors.ts';
import { list, text } from '../flag-types.ts';

export const importImage = defineCommand({
  usage: '[OPTIONS] FILE|- [REPOSITORY[:TAG]]',
  summary: 'Make an image from a tar of a root file system (plain, gzip or zstd); - reads stdin',
  flags: {
    change: list({ short: 'c', help: 'Dockerfile instruction for the image, such as CMD ["sh"]' }),
    message: text({ short: 'm', help: 'Comment' }),
  },
  arguments: [1, 2],
  run: async (context, { flags, args: [source = '', reference] }) => {
    const tar = await openSource(context, source);
    const id = await context.client().images.import(tar, {
      reference,
      message: flags.message || undefined,
      changes: flags.change,
    });
    context.print(id);
    return 0;
  },
});

async function openSource(context: CommandContext, source: string): Promise<Readable> {
  if (source === '-') {
    if (context.stdin.isTTY) throw errors.invalid('stdin is a terminal: send the tar through a pipe, or name a file');
    return context.stdin;
  }
  if (/^https?:\/\//.test(source)) {
    throw errors.notThere('importing from a URL', 'download it first, or pipe it in: curl … | skiff import -');
  }
  try {
    const file = await open(source);
    if ((await file.stat()).isDirectory()) {
      await file.close();
      throw errors.invalid(`${source} is a folder: pack it first, tar -C ${source} -c . | skiff import -`);
    }
    return createReadStream(source, { fd: file, highWaterMark: 1024 * 1024 });
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw fileError('open', source, error);
    throw error;
  }
}
