/** `delete`: removes a container that has ended; with --force any. */
import { errnoCode, SkiffError } from '#base';
import { deleteContainer } from '../oci/delete.ts';
import { lockFolder } from '../oci/lock.ts';
import { folderOf, loadState, removeFolder, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import type { CommandContext } from './command.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '[flags] <container-id>',
  about: 'remove what belongs to a container',
  flags: {
    force: { names: ['force', 'f'], kind: 'switch', about: 'kill the container first if it runs' },
  },
  args: [1, 1],
  action: async (context, { force }, [id = '']) => {
    const folder = folderOf(context.root, id);
    if (force && forgetUnreadable(context, id)) return;
    loadState(context.root, id);
    using _lock = await lockFolder(folder);
    const state = loadState(context.root, id);
    check(force ? 'delete --force' : 'delete', id, statusOf(state));
    await deleteContainer(context, folder, state);
  },
});

/** compat: `delete --force` of a container that does not exist, or of an empty folder, is no failure. */
function forgetUnreadable({ root, warn }: CommandContext, id: string): boolean {
  try {
    loadState(root, id);
    return false;
  } catch (error) {
    if (!(error instanceof SkiffError) || (error.kind !== 'not-found' && error.code !== 'runtime.badState'))
      throw error;
    if (error.code === 'runtime.badState') warn(error.message);
    try {
      removeFolder(folderOf(root, id));
    } catch (cause) {
      if (errnoCode(cause) !== 'ENOENT') throw cause;
    }
    return true;
  }
}
