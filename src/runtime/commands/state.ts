/** `state`: what a container is, as JSON. */
import { loadState, publicState, statusOf } from '../oci/state.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '<container-id>',
  about: 'print the state of a container',
  flags: {},
  args: [1, 1],
  action: (context, _, [id = '']) => {
    const state = loadState(context.root, id);
    const { annotations, ...rest } = publicState(state, statusOf(state));
    // compat: rootfs, created and owner are runc's additions to the specification.
    const more = { rootfs: state.rootfs, created: state.created, ...(annotations && { annotations }), owner: '' };
    context.print(`${JSON.stringify({ ...rest, ...more }, null, 2)}\n`);
  },
});
