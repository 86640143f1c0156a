/** `skiff stop`: ask containers to end, and end them when they do not. */
import { defineCommand } from '../command.ts';
import { integer, text } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';

export const stopFlags = {
  signal: text({ short: 's', help: 'Signal that asks it to end' }),
  timeout: integer({ short: 't', help: 'Seconds until it is killed; -1 to wait for ever', aliases: ['time'] }),
};

export const stop = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Ask containers to end, and end them when they do not',
  flags: stopFlags,
  arguments: [1, Infinity],
  run: (context, { flags, args }) => {
    const { containers } = context.client();
    const options = { signal: flags.signal || undefined, timeoutSeconds: flags.timeout };
    return forEachOf(context, args, async (name) => void (await containers.stop(name, options)));
  },
});
