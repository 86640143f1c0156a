/** `skiff kill`: a signal for containers. */
import { defineCommand } from '../command.ts';
import { text } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';

export const kill = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Send a signal to containers',
  flags: { signal: text({ short: 's', help: 'Name or number (default SIGKILL)' }) },
  arguments: [1, Infinity],
  run: (context, { flags, args }) => {
    const { containers } = context.client();
    return forEachOf(context, args, (name) => containers.kill(name, flags.signal || undefined));
  },
});
