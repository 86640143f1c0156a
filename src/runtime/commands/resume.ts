/** `resume`: lets the processes of a paused container go on. */
import { openCgroup } from '#linux';
import { lockFolder } from '../oci/lock.ts';
import { folderOf, loadState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '<container-id>',
  about: 'resume all processes of a paused container',
  flags: {},
  args: [1, 1],
  action: async ({ root }, _, [id = '']) => {
    loadState(root, id);
    using _lock = await lockFolder(folderOf(root, id));
    const state = loadState(root, id);
    check('resume', id, statusOf(state));
    // Only a container with a cgroup is ever paused.
    openCgroup(state.cgroupsPath ?? '').thaw();
  },
});
