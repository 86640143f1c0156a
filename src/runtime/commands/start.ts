/** `start`: lets the program of a created container run. */
import { lockFolder } from '../oci/lock.ts';
import { startContainer } from '../oci/start.ts';
import { folderOf, loadState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { defineCommand } from './command.ts';
import { prefixed } from './launch-errors.ts';

export const command = defineCommand({
  usage: '<container-id>',
  about: 'run the program of a created container',
  flags: {},
  args: [1, 1],
  action: async (context, _, [id = '']) => {
    loadState(context.root, id);
    const folder = folderOf(context.root, id);
    using _lock = await lockFolder(folder);
    const state = loadState(context.root, id);
    check('start', id, statusOf(state));
    await prefixed('start failed', () => startContainer(context, folder, state));
  },
});
