/** A file, or stdin, to be sent to the daemon. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { CommandContext } from './command.ts';
import { errors, fileError } from './errors.ts';

/** `-` is stdin. Throws `cli.invalid` for a terminal, a folder, and what cannot be opened. */
export async function openInput(context: CommandContext, source: string, example: string): Promise<Readable> {
  if (source === '-') {
    if (context.stdin.isTTY)
      throw errors.invalid(`stdin is a terminal: send it through a pipe, or name a file: ${example}`);
    return context.stdin;
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
