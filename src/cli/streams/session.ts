/** This process's stdin, stdout and stderr joined to a container's streams. */
import type { HijackedStream } from '#client';
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from '#wire';
import type { Surroundings, TerminalInput } from '../command.ts';
import { errors } from '../errors.ts';
import { enterRawMode } from './raw-terminal.ts';

export interface SessionOptions {
  readonly stream: HijackedStream;
  readonly surroundings: Surroundings;
  /** The container's process has a terminal. */
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Empty: the default. */
  readonly detachKeys: string;
}

export type SessionEnd = 'ended' | 'detached';

/** Until the process's output has ended, all of it written, or until somebody typed the detach keys. */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  const { stream, surroundings, tty } = options;
  const { stdout, stderr } = surroundings;
  using _raw = options.stdin && tty ? enterRawMode(surroundings.stdin) : undefined;
  const output = stream
    .copyTo({ stdout: options.stdout ? stdout : undefined, stderr: options.stderr ? stderr : undefined })
    .then((): SessionEnd => 'ended');
  if (!options.stdin) {
    if (!options.stdout && !options.stderr) stream.closeInput();
    return output;
  }
  const keys = tty ? new DetachKeys(keysOf(options.detachKeys)) : undefined;
  const input = sendInput(surroundings.stdin, stream, keys);
  try {
    const end = await Promise.race([output, input.detached]);
    if (end === 'detached') {
      output.catch(() => {});
      stream.destroy();
    }
    return end;
  } finally {
    input.stop();
  }
}

/** Throws `cli.invalid`. */
function keysOf(text: string): Buffer {
  const keys = parseDetachKeys(text || DEFAULT_DETACH_KEYS);
  if (keys) return keys;
  throw errors.invalid(`invalid detach keys '${text}': write keys like ctrl-p,ctrl-q or a`);
}

interface Input {
  /** Fulfilled when the keys were typed; otherwise never. */
  readonly detached: Promise<'detached'>;
  stop(): void;
}

function sendInput(stdin: TerminalInput, stream: HijackedStream, keys: DetachKeys | undefined): Input {
  const { promise, resolve } = Promise.withResolvers<'detached'>();
  const onData = (chunk: Buffer): void => {
    const { data, detached } = keys ? keys.push(chunk) : { data: chunk, detached: false };
    if (data.length > 0 && !stream.write(data)) {
      stdin.pause();
      void stream.drained().then(() => stdin.resume());
    }
    if (detached) resolve('detached');
  };
  const onEnd = (): void => stream.closeInput();
  stdin.on('data', onData).on('end', onEnd).on('error', onEnd);
  return {
    detached: promise,
    stop: () => {
      stdin.off('data', onData).off('end', onEnd).pause();
    },
  };
}
