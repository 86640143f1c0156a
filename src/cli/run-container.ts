/** Starts a container with this process's streams joined to it: what `run` and `start --attach` have in common. */
import { isRefusal } from '#client';
import type { CommandContext } from './command.ts';
import { CommandFailure, describe, exitCode } from './errors.ts';
import { forwardSignals } from './streams/signals.ts';
import { runSession } from './streams/session.ts';
import { followSize, sizeOf } from './streams/terminal-size.ts';

export interface AttachedRun {
  readonly id: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Empty: the default. */
  readonly detachKeys: string;
  readonly forwardSignals: boolean;
  /** It goes away when it ends, which is waited for. */
  readonly autoRemove: boolean;
}

/**
 * Starts it and stays until it has ended; its exit code, 0 after the detach keys. Streams and the end are watched
 * before the start, so that nothing of the shortest program is missed. Throws what the daemon refuses.
 */
export async function runAttached(context: CommandContext, run: AttachedRun): Promise<number> {
  const { containers } = context.client();
  const { id, tty, stdin, stdout, stderr } = run;
  const hangUp = new AbortController();
  const [stream, { exit }] = await Promise.all([
    containers.attach(id, { stdin, stdout, stderr, detachKeys: run.detachKeys }),
    containers.watchExit(id, run.autoRemove ? 'removed' : 'next-exit', hangUp.signal),
  ]);
  using _signals = run.forwardSignals
    ? forwardSignals(context.signals, (signal) => containers.kill(id, signal))
    : undefined;
  try {
    await containers.start(id);
  } catch (error) {
    stream.destroy();
    hangUp.abort();
    throw error;
  }
  const size = tty ? sizeOf(context.stdout) : undefined;
  using _size = size ? followSize(context.stdout, (rows, columns) => containers.resize(id, rows, columns)) : undefined;
  const end = await runSession({
    stream,
    surroundings: context,
    tty,
    stdin,
    stdout,
    stderr,
    detachKeys: run.detachKeys,
  });
  if (end === 'detached') {
    hangUp.abort();
    context.stderr.write('\nread escape sequence\n');
    return 0;
  }
  const { code } = await exit;
  return code;
}

/** compat: 127 for a program that is not there, 126 for one that cannot be run, 125 for everything else. */
export function startFailure(error: unknown): CommandFailure {
  const message = `skiff: ${describe(error)}`;
  return new CommandFailure(message, isRefusal(error) ? startFailureCode(error.message) : exitCode.daemon);
}

/** compat: Docker's clients look for these words in the daemon's message as well. */
export function startFailureCode(message: string): number {
  if (/executable file not found|no such file or directory/.test(message)) return exitCode.notFound;
  if (/permission denied|is a directory|cannot enter the working directory|exec format error/.test(message)) {
    return exitCode.notExecutable;
  }
  return exitCode.daemon;
}
