/** `skiff attach`: this terminal on the streams of a container that runs. */
import { defineCommand } from '../command.ts';
import { CommandFailure, errors, exitCode } from '../errors.ts';
import { text, toggle } from '../flag-types.ts';
import { forwardSignals } from '../streams/signals.ts';
import { runSession } from '../streams/session.ts';
import { followSize, sizeOf } from '../streams/terminal-size.ts';

export const attach = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  summary: "Connect this terminal to a running container's main process",
  flags: {
    'detach-keys': text({ help: 'Keys that leave it running and give the terminal back (default "ctrl-p,ctrl-q")' }),
    'no-stdin': toggle({ help: 'Only show output' }),
    'sig-proxy': toggle({ help: 'Pass signals on to it', initial: true }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args }) => {
    const { containers } = context.client();
    const { Id, State, Config } = await containers.inspect(args[0]!);
    if (!State.Running) throw errors.invalid('You cannot attach to a stopped container, start it first');
    if (State.Paused) throw errors.invalid('You cannot attach to a paused container, unpause it first');
    if (State.Restarting) throw errors.invalid('You cannot attach to a restarting container, wait until it is running');
    const { Tty: tty = false, OpenStdin = false } = Config as { Tty?: boolean; OpenStdin?: boolean };
    const stdin = !flags['no-stdin'] && OpenStdin;
    if (tty && stdin && !context.stdin.isTTY)
      throw new CommandFailure('the input device is not a TTY', exitCode.failed);
    const hangUp = new AbortController();
    const [stream, { exit }] = await Promise.all([
      containers.attach(Id, { stdin, stdout: true, stderr: true, detachKeys: flags['detach-keys'] }),
      containers.watchExit(Id, 'not-running', hangUp.signal),
    ]);
    using _signals =
      flags['sig-proxy'] && !tty ? forwardSignals(context.signals, (signal) => containers.kill(Id, signal)) : undefined;
    const size = tty ? sizeOf(context.stdout) : undefined;
    let isFirst = true;
    const resize = async (rows: number, columns: number): Promise<void> => {
      // Two sizes in a row make full-screen programs draw themselves again.
      if (isFirst) await containers.resize(Id, rows + 1, columns + 1);
      isFirst = false;
      await containers.resize(Id, rows, columns);
    };
    using _size = size ? followSize(context.stdout, resize) : undefined;
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
      hangUp.abort();
      context.stderr.write('\nread escape sequence\n');
      return 0;
    }
    return (await exit).code;
  },
});
