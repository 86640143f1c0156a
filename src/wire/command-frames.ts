/**
 * Frames between the front door (native/door) and the daemon that runs a command line for it.
 *
 * One byte says what it is, four (big endian) how long, then the payload. Pure.
 */

/** From the door. */
export const doorFrames = { command: 'c', input: 'i', signal: 's', size: 'z' } as const;
/** To the door. */
export const commandFrames = {
  out: 'o',
  error: 'e',
  wantsInput: 'w',
  raw: 'r',
  catches: 'k',
  exit: 'x',
  /** It takes a process of the user's own. */
  elsewhere: 'n',
} as const;

export type CommandFrame = (typeof commandFrames)[keyof typeof commandFrames];

const HEAD_BYTES = 5;
/** Of arguments and environment, which Linux itself bounds at 6 MiB with the usual stack. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

export interface Frame {
  readonly type: string;
  readonly payload: Buffer;
}

export function encodeFrame(type: CommandFrame, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(type, 'latin1');
  head.writeUInt32BE(payload.length, 1);
  return payload.length === 0 ? head : Buffer.concat([head, payload]);
}

/** Takes bytes as they come. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole now. Throws RangeError for one that is longer than any that is sent. */
  push(chunk: Buffer): Frame[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (rest.length >= HEAD_BYTES) {
      const length = rest.readUInt32BE(1);
      if (length > MAX_PAYLOAD_BYTES) throw new RangeError(`a frame of ${length} bytes`);
      if (rest.length < HEAD_BYTES + length) break;
      frames.push({ type: String.fromCharCode(rest[0]!), payload: rest.subarray(HEAD_BYTES, HEAD_BYTES + length) });
      rest = rest.subarray(HEAD_BYTES + length);
    }
    this.#rest = rest;
    return frames;
  }
}

/** What a door asks for. */
export interface CommandLine {
  readonly version: string;
  readonly workingDirectory: string;
  /** Which of stdin, stdout and stderr are terminals. */
  readonly terminals: readonly [stdin: boolean, stdout: boolean, stderr: boolean];
  /** Of the terminal; 0 and 0 where there is none. */
  readonly size: readonly [rows: number, columns: number];
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Undefined for bytes that are none. */
export function readCommandLine(payload: Buffer): CommandLine | undefined {
  if (payload.at(-1) !== 0) return undefined;
  const [version = '', workingDirectory = '', terminals = '', count = '', ...rest] = payload
    .toString('utf8', 0, payload.length - 1)
    .split('\0');
  const length = Number(count);
  const facts = /^([t-])([t-])([t-]) (\d{1,5}) (\d{1,5})$/.exec(terminals);
  if (!workingDirectory.startsWith('/') || !facts || !/^\d+$/.test(count) || length > rest.length) return undefined;
  const isTerminal = (index: number): boolean => facts[index] === 't';
  return {
    version,
    workingDirectory,
    terminals: [isTerminal(1), isTerminal(2), isTerminal(3)],
    size: [Number(facts[4]), Number(facts[5])],
    argv: rest.slice(0, length),
    environment: variables(rest.slice(length)),
  };
}

/** compat: the first of a name counts, as with getenv. */
function variables(entries: readonly string[]): Record<string, string> {
  const all: Record<string, string> = {};
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at > 0) all[entry.slice(0, at)] ??= entry.slice(at + 1);
  }
  return all;
}
