/** `pause`: stops all processes of a container where they are. */
import { openCgroup } from '#linux';
import { errors } from '../errors.ts';
import { lockFolder } from '../oci/lock.ts';
import { folderOf, loadState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '<container-id>',
  about: 'suspend all processes of a container',
  flags: {},
  args: [1, 1],
  action: async ({ root }, _, [id = '']) => {
    loadState(root, id);
    using _lock = await lockFolder(folderOf(root, id));
    const state = loadState(root, id);
    check('pause', id, statusOf(state));
    if (state.cgroupsPath === undefined) throw errors.usage(`container ${id} has no cgroup that could be frozen`);
    await openCgroup(state.cgroupsPath).freeze();
  },
});
