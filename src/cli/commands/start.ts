/** `skiff start`: containers that exist, with or without their streams. */
import { defineCommand } from '../command.ts';
import { errors } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { forEachOf } from '../for-each.ts';
import { runAttached, startFailure } from '../run-container.ts';

export const start = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Start containers that are stopped',
  flags: {
    attach: toggle({ short: 'a', help: 'Show its output, pass signals on, end with its exit code' }),
    'detach-keys': text({ help: 'Keys that leave it running and give the terminal back (default "ctrl-p,ctrl-q")' }),
    interactive: toggle({ short: 'i', help: 'Connect stdin too' }),
  },
  arguments: [1, Infinity],
  run: async (context, { flags, args }) => {
    const { containers } = context.client();
    if (!flags.attach && !flags.interactive) {
      return forEachOf(context, args, async (name) => void (await containers.start(name)));
    }
    if (args.length > 1) throw errors.invalid('you cannot start and attach multiple containers at once');
    const { Id, Config, HostConfig } = await containers.inspect(args[0]!);
    const { Tty = false, OpenStdin = false } = Config as { Tty?: boolean; OpenStdin?: boolean };
    try {
      return await runAttached(context, {
        id: Id,
        tty: Tty,
        stdin: flags.interactive && OpenStdin,
        stdout: true,
        stderr: true,
        detachKeys: flags['detach-keys'],
        forwardSignals: !Tty,
        autoRemove: (HostConfig as { AutoRemove?: boolean }).AutoRemove ?? false,
      });
    } catch (error) {
      throw startFailure(error);
    }
  },
});
