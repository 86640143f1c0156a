/** Removes a folder with all it holds, however deep. */
import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { errnoCode } from '#base';
import { openUnpacker } from './unpacker.ts';

/**
 * What is missing is no error. Throws Node's system errors, or a `SyscallError` of the native helper, which takes over
 * where the path of something in the tree is longer than the kernel takes in one piece.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (errnoCode(error) !== 'ENAMETOOLONG') throw error;
    await using unpacker = openUnpacker(dirname(path));
    unpacker.remove(Buffer.from(basename(path)));
    await unpacker.finish();
  }
}
