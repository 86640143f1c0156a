/** `skiff run`: create, connect, start, and stay until it ends. */
import { containerFlags } from '../container-options/flags.ts';
import { defineCommand } from '../command.ts';
import { createContainer } from '../create-container.ts';
import { CommandFailure, exitCode } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { runAttached, startFailure } from '../run-container.ts';

export const run = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Make a container from an image and run it',
  flags: {
    ...containerFlags,
    detach: toggle({ short: 'd', help: 'Leave it running and print its id' }),
    'detach-keys': text({ help: 'Keys that leave it running and give the terminal back (default "ctrl-p,ctrl-q")' }),
    'sig-proxy': toggle({ help: 'Pass signals on to it', initial: true }),
  },
  arguments: [1, Infinity],
  interspersed: false,
  failureCode: exitCode.daemon,
  run: async (context, invocation) => {
    const { flags } = invocation;
    if (flags.detach && flags.attach.length > 0) {
      throw new CommandFailure(
        'skiff: conflicting options: cannot specify both --attach and --detach',
        exitCode.failed,
      );
    }
    if (flags.tty && flags.interactive && !flags.detach && !context.stdin.isTTY) {
      throw new CommandFailure('the input device is not a TTY', exitCode.failed);
    }
    const { id, body } = await createContainer(context, invocation, flags.detach);
    const { containers } = context.client();
    const stdin = body.AttachStdin ?? false;
    const stdout = body.AttachStdout ?? false;
    const stderr = body.AttachStderr ?? false;
    try {
      if (!stdin && !stdout && !stderr) {
        // compat: the id of one that does not start is told, too.
        await containers.start(id).finally(() => context.print(id));
        return 0;
      }
      const shown = stdout || stderr;
      if (!shown) context.print(id);
      const code = await runAttached(context, {
        id,
        tty: flags.tty,
        stdin,
        stdout,
        stderr,
        detachKeys: flags['detach-keys'],
        forwardSignals: flags['sig-proxy'] && !flags.tty,
        autoRemove: flags.rm,
      });
      return shown ? code : 0;
    } catch (error) {
      // compat: a container that never ran is not left behind by --rm.
      if (flags.rm) await containers.remove(id).catch(() => {});
      throw startFailure(error);
    }
  },
});
