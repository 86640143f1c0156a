/** `skiff network disconnect`: take a container off a network. */
import { defineCommand } from '../command.ts';
import { toggle } from '../flag-types.ts';

export const networkDisconnect = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Disconnect a container from a network',
  flags: { force: toggle({ short: 'f', help: 'No failure when it is not connected' }) },
  arguments: [2, 2],
  run: async (context, { flags, args: [network = '', container = ''] }) => {
    await context.client().networks.disconnect(network, container, flags);
    return 0;
  },
});
