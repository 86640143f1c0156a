/** Lines of a json-file log: parsed one by one, or turned into what a client gets a whole block at a time. */
import { parseTimeNs } from '#base';

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly text: Buffer;
  /** What the log was asked to keep with each line. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Which lines are wanted. */
export interface LineWish {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Unix time in nanoseconds. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
}

/** Undefined for what is no line of such a log, such as a torn write of a crash. */
export function parseLine(bytes: Buffer): LogLine | undefined {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    const { log, time, stream, attrs } = value;
    if (typeof log !== 'string' || typeof time !== 'string') return undefined;
    return {
      stream: stream === 'stderr' ? 'stderr' : 'stdout',
      time,
      text: Buffer.from(log),
      ...(typeof attrs === 'object' && attrs !== null ? { attributes: attrs as Record<string, string> } : {}),
    };
  } catch {
    return undefined;
  }
}

/** Whether a line is wanted; `over` for one that was written later than anything that is. */
export function judge(line: LogLine, wish: LineWish): 'wanted' | 'unwanted' | 'over' {
  if (!(line.stream === 'stdout' ? wish.stdout : wish.stderr)) return 'unwanted';
  if (wish.sinceNs === undefined && wish.untilNs === undefined) return 'wanted';
  const time = parseTimeNs(line.time) ?? 0n;
  if (wish.sinceNs !== undefined && time < wish.sinceNs) return 'unwanted';
  return wish.untilNs !== undefined && time > wish.untilNs ? 'over' : 'wanted';
}

/** The lines of a block of whole ones, without their ends. */
export function* linesOf(block: Buffer): Generator<Buffer> {
  for (let from = 0; from < block.length; ) {
    const end = block.indexOf(NEWLINE, from);
    if (end < 0) return;
    yield block.subarray(from, end);
    from = end + 1;
  }
}

export interface RenderWish extends LineWish {
  /** The bytes alone, without frames: the program has a terminal. */
  readonly raw: boolean;
  readonly timestamps: boolean;
  /** What stands before a line's text, made of its attributes; absent: nothing. */
  readonly details?: (line: LogLine) => string;
}

const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;
const CLOSE = 125;
const HEAD = Buffer.from('{"log":"');
const MIDDLES = {
  stdout: Buffer.from('","stream":"stdout","time":"'),
  stderr: Buffer.from('","stream":"stderr","time":"'),
};
/** Where the two differ. */
const NAME_AT = '","stream":"std'.length;
const FRAME_BYTES = 8;
/** Of JSON's escapes with one letter; 0 for those that take more. */
const ESCAPED = new Uint8Array(128);
for (const [letter, byte] of Object.entries({ n: 10, r: 13, t: 9, b: 8, f: 12, '"': 34, '\\': 92, '/': 47 })) {
  ESCAPED[letter.charCodeAt(0)] = byte;
}

/**
 * Makes answers of blocks. A line as the shim writes it is copied byte by byte into its frame, without a string or an
 * object of its own: ten times as fast as parsing it. All others are parsed.
 */
export class LogRenderer {
  readonly #wish: RenderWish;
  readonly #mayCopy: boolean;
  #isOver = false;
  #out = Buffer.alloc(0);
  #length = 0;

  constructor(wish: RenderWish) {
    this.#wish = wish;
    this.#mayCopy = wish.sinceNs === undefined && wish.untilNs === undefined && wish.details === undefined;
  }

  /** A line later than all that is wanted has come: nothing more will be. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What a block of whole lines gives. */
  render(block: Buffer): Buffer {
    // A frame's head and a time are shorter than the JSON around them.
    this.#out = Buffer.allocUnsafe(block.length + FRAME_BYTES);
    this.#length = 0;
    for (let from = 0; from < block.length && !this.#isOver; ) {
      const next = this.#mayCopy ? this.#copy(block, from) : -1;
      from = next >= 0 ? next : this.#parse(block, from);
    }
    return this.#out.subarray(0, this.#length);
  }

  /** Where the next line begins; -1 when this one has to be parsed. */
  #copy(block: Buffer, from: number): number {
    if (!isAt(block, from, HEAD)) return -1;
    const { raw, timestamps } = this.#wish;
    const end = textEnd(block, from + HEAD.length);
    if (end < 0) return -1;
    const isOutput = block[end + NAME_AT] === MIDDLES.stdout[NAME_AT];
    if (!isAt(block, end, isOutput ? MIDDLES.stdout : MIDDLES.stderr)) return -1;
    const time = end + MIDDLES.stdout.length;
    const timeEnd = endOfTime(block, time);
    if (timeEnd < 0 || block[timeEnd + 1] !== CLOSE || block[timeEnd + 2] !== NEWLINE) return -1;
    const next = timeEnd + 3;
    if (!(isOutput ? this.#wish.stdout : this.#wish.stderr)) return next;
    // What was parsed before may have taken more room than its line.
    this.#makeRoom(block.length - from + FRAME_BYTES);
    const frame = this.#length;
    if (!raw) this.#length += FRAME_BYTES;
    if (timestamps) {
      this.#length += block.copy(this.#out, this.#length, time, timeEnd);
      this.#out[this.#length++] = 32;
    }
    this.#length = unescape(block, from + HEAD.length, end, this.#out, this.#length);
    if (!raw) this.#frame(frame, isOutput ? 1 : 2);
    return next;
  }

  #parse(block: Buffer, from: number): number {
    const at = block.indexOf(NEWLINE, from);
    const end = at < 0 ? block.length : at;
    const line = parseLine(block.subarray(from, end));
    const verdict = line ? judge(line, this.#wish) : 'unwanted';
    if (verdict === 'over') this.#isOver = true;
    if (!line || verdict !== 'wanted') return end + 1;
    const { raw, timestamps, details } = this.#wish;
    const before = Buffer.from(`${timestamps ? `${line.time} ` : ''}${details ? `${details(line)} ` : ''}`);
    this.#makeRoom(FRAME_BYTES + before.length + line.text.length);
    const frame = this.#length;
    if (!raw) this.#length += FRAME_BYTES;
    this.#length += before.copy(this.#out, this.#length);
    this.#length += line.text.copy(this.#out, this.#length);
    if (!raw) this.#frame(frame, line.stream === 'stdout' ? 1 : 2);
    return end + 1;
  }

  #frame(at: number, stream: number): void {
    this.#out.writeUInt32BE(stream << 24, at);
    this.#out.writeUInt32BE(this.#length - at - FRAME_BYTES, at + 4);
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#out.length * 2, this.#length + bytes));
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}

function isAt(block: Buffer, from: number, what: Buffer): boolean {
  for (let index = 0; index < what.length; index++) if (block[from + index] !== what[index]) return false;
  return true;
}

/** The quote that ends a time, which has only digits, capitals and `+-.:`. */
function endOfTime(block: Buffer, from: number): number {
  for (let at = from; at < block.length; at++) {
    const byte = block[at]!;
    if (byte === QUOTE) return at;
    if (byte < 0x2b || byte > 0x5a) return -1;
  }
  return -1;
}

/** The quote that ends a text; -1 where it has escapes of more than one letter. */
function textEnd(block: Buffer, from: number): number {
  for (let at = from; at < block.length; at++) {
    const byte = block[at]!;
    if (byte === QUOTE) return at;
    // No JSON.
    if (byte < 32) return -1;
    if (byte !== BACKSLASH) continue;
    const letter = block[++at] ?? 0;
    if (letter >= 128 || ESCAPED[letter] === 0) return -1;
  }
  return -1;
}

function unescape(block: Buffer, from: number, end: number, out: Buffer, to: number): number {
  let written = to;
  for (let at = from; at < end; at++) {
    const byte = block[at]!;
    out[written++] = byte === BACKSLASH ? ESCAPED[block[++at]!]! : byte;
  }
  return written;
}
