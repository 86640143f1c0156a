/** `skiff restart`: stop and start again. */
import { defineCommand } from '../command.ts';
import { forEachOf } from '../for-each.ts';
import { stopFlags } from './stop.ts';

export const restart = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Stop containers and start them again',
  flags: stopFlags,
  arguments: [1, Infinity],
  run: (context, { flags, args }) => {
    const { containers } = context.client();
    const options = { signal: flags.signal || undefined, timeoutSeconds: flags.timeout };
    return forEachOf(context, args, (name) => containers.restart(name, options));
  },
});
