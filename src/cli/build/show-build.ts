/** How `skiff build` tells what goes on: live on a terminal, as plain lines elsewhere, as JSON, or not at all. */
import { type Readable, Transform } from 'node:stream';
import { formatBytes } from '#base';
import { BUILD_EVENT, type BuildStreamEvent, type ProgressMessage } from '#specs';
import type { TerminalOutput } from '../command.ts';
import { errors } from '../errors.ts';
import { showProgress } from '../output/progress.ts';
import { LiveProgress } from './live-progress.ts';
import { RawProgress } from './raw-progress.ts';

export type ProgressMode = 'plain' | 'tty' | 'quiet' | 'rawjson';

/** `auto` is `tty` on a terminal that can move its cursor. Throws `cli.invalid`. */
export function progressMode(
  asked: string,
  output: TerminalOutput,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ProgressMode {
  if (asked === 'auto') return output.isTTY === true && environment['TERM'] !== 'dumb' ? 'tty' : 'plain';
  if (asked === 'plain' || asked === 'tty' || asked === 'quiet' || asked === 'rawjson') return asked;
  throw errors.invalid(`invalid progress mode ${asked}: use auto, plain, tty, quiet or rawjson`);
}

export interface ShownBuild extends Disposable {
  readonly message: (message: ProgressMessage) => void;
  /** The context, as it is to be sent: how much of it has gone is shown. */
  sending(context: Readable): Readable;
  /** It has ended well. */
  end(): void;
  fail(): void;
}

export function showBuild(output: TerminalOutput, mode: ProgressMode): ShownBuild {
  if (mode === 'tty') return new LiveBuild(output);
  if (mode === 'rawjson') return rawBuild(output);
  return { ...silent, message: showProgress(output) };
}

const silent: Omit<ShownBuild, 'message'> = {
  sending: (context) => context,
  end: () => {},
  fail: () => {},
  [Symbol.dispose]: () => {},
};

const eventOf = ({ id, aux }: ProgressMessage): BuildStreamEvent | undefined =>
  id === BUILD_EVENT ? (aux as BuildStreamEvent) : undefined;

function rawBuild(output: TerminalOutput): ShownBuild {
  const raw = new RawProgress((line) => void output.write(`${line}\n`));
  return {
    ...silent,
    message: (message) => {
      const event = eventOf(message);
      if (event) raw.event(event);
    },
  };
}

const SENDING = '[internal] load build context';

class LiveBuild implements ShownBuild {
  readonly #output: TerminalOutput;
  #live: LiveProgress | undefined;
  /** Lines for the end. */
  #after = '';
  #hasEvents = false;
  readonly #plain: (message: ProgressMessage) => void;

  constructor(output: TerminalOutput) {
    this.#output = output;
    this.#plain = showProgress(output);
    this.#live = new LiveProgress(output);
  }

  readonly message = (message: ProgressMessage): void => {
    const event = eventOf(message);
    if (event) {
      this.#hasEvents = true;
      this.#live?.event(event);
    } else if (this.#hasEvents) this.#after += message.stream ?? '';
    else {
      // compat: another daemon, which knows no events, tells lines.
      this.#live?.[Symbol.dispose]();
      this.#live = undefined;
      this.#plain(message);
    }
  };

  sending(context: Readable): Readable {
    let bytes = 0;
    const tell = (state: 'running' | 'done'): void =>
      this.#live?.own(SENDING, state, `transferring context: ${formatBytes(bytes, 4)}`);
    const counted = new Transform({
      highWaterMark: 1024 * 1024,
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        tell('running');
        done(null, chunk);
      },
      flush: (done) => {
        tell('done');
        done();
      },
    });
    context.once('error', (error) => counted.destroy(error));
    return context.pipe(counted);
  }

  end(): void {
    this.#live?.end('FINISHED');
    this.#output.write(this.#after);
    this.#after = '';
  }

  fail(): void {
    this.#live?.end('FAILED');
  }

  [Symbol.dispose](): void {
    this.#live?.[Symbol.dispose]();
  }
}
