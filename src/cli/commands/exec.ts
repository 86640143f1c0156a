/** `skiff exec`: one more program in a container that runs. */
import type { Execs, HijackedStream } from '#client';
import { defineCommand } from '../command.ts';
import { collectEnvironment } from '../container-options/environment.ts';
import { CommandFailure, describe, exitCode } from '../errors.ts';
import { list, parseEnvironmentEntry, text, toggle } from '../flag-types.ts';
import { startFailureCode } from '../run-container.ts';
import { runSession } from '../streams/session.ts';
import { followSize, sizeOf } from '../streams/terminal-size.ts';

export const exec = defineCommand({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  summary: 'Run one more program in a running container',
  flags: {
    detach: toggle({ short: 'd', help: 'Leave it running' }),
    'detach-keys': text({ help: 'Keys that leave it running and give the terminal back (default "ctrl-p,ctrl-q")' }),
    env: list({ short: 'e', help: 'Environment variable, as NAME=value or NAME', parse: parseEnvironmentEntry }),
    'env-file': list({ help: 'File with environment variables, one per line' }),
    interactive: toggle({ short: 'i', help: 'Connect stdin' }),
    privileged: toggle({ help: 'All capabilities' }),
    tty: toggle({ short: 't', help: 'Give it a terminal' }),
    user: text({ short: 'u', help: 'User, as name or uid, with an optional :group' }),
    workdir: text({ short: 'w', help: 'Working directory' }),
  },
  arguments: [2, Infinity],
  interspersed: false,
  run: async (context, { flags, args }) => {
    const [container = '', ...command] = args;
    const { tty, detach } = flags;
    const stdin = flags.interactive && !detach;
    if (tty && stdin && !context.stdin.isTTY)
      throw new CommandFailure('the input device is not a TTY', exitCode.failed);
    const { execs } = context.client();
    const consoleSize = tty ? sizeOf(context.stdout) : undefined;
    const id = await execs.create(container, {
      Cmd: command,
      Env: collectEnvironment(flags['env-file'], flags.env, context),
      User: flags.user,
      WorkingDir: flags.workdir,
      Privileged: flags.privileged,
      Tty: tty,
      AttachStdin: stdin,
      AttachStdout: !detach,
      AttachStderr: !detach,
      DetachKeys: flags['detach-keys'],
      ...(consoleSize ? { ConsoleSize: consoleSize } : {}),
    });
    let stream: HijackedStream;
    try {
      if (detach) {
        await execs.startDetached(id);
        return 0;
      }
      stream = await execs.start(id, { tty, consoleSize });
    } catch (error) {
      const message = describe(error);
      // compat: nobody waits for a program left running, or for its code.
      if (detach) throw new CommandFailure(message, exitCode.failed);
      throw new CommandFailure(message, (await codeOf(execs, id)) || startFailureCode(message));
    }
    using _size = consoleSize
      ? followSize(context.stdout, (rows, columns) => execs.resize(id, rows, columns))
      : undefined;
    const end = await runSession({
      stream,
      surroundings: context,
      tty,
      stdin,
      stdout: true,
      stderr: true,
      detachKeys: flags['detach-keys'],
    });
    if (end === 'detached') {
      context.stderr.write('\nread escape sequence\n');
      return 0;
    }
    return (await execs.inspect(id)).exitCode ?? 0;
  },
});

/** compat: what the daemon noted for a program that could not be started; 0 when it knows nothing. */
async function codeOf(execs: Execs, id: string): Promise<number> {
  try {
    return (await execs.inspect(id)).exitCode ?? 0;
  } catch {
    return 0;
  }
}
