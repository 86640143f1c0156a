/** Writes a stream of the daemon to stdout or to a file that is whole or not there. */
import { randomBytes } from 'node:crypto';
import { createWriteStream, rmSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CommandContext } from './command.ts';
import { errors, fileError } from './errors.ts';

/** Refuses to flood a terminal. Call it before anything is asked of the daemon. Throws `cli.invalid`. */
export function checkOutput(context: CommandContext, path: string): void {
  if (path === '' && context.stdout.isTTY) {
    throw errors.invalid('cowardly refusing to save to a terminal. Use the -o flag or redirect');
  }
}

/** A special file (`/dev/null`, a pipe) is written as it is; any other under another name first. */
export async function writeOutput(context: CommandContext, path: string, source: Readable): Promise<void> {
  if (path === '') {
    await pipeline(source, context.stdout, { end: false });
    return;
  }
  const isSpecial = isSpecialFile(path);
  const target = isSpecial ? path : `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await pipeline(source, createWriteStream(target, { mode: 0o600 }));
    if (!isSpecial) await rename(target, path);
  } catch (error) {
    if (!isSpecial) rmSync(target, { force: true });
    if (error instanceof Error && 'syscall' in error) throw fileError('write', path, error);
    throw error;
  }
}

function isSpecialFile(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) throw errors.invalid(`${path} is a folder: name a file in it`);
  return stats !== undefined && !stats.isFile();
}
