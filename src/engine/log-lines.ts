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
const HEAD = Buffer.from('{"log":"');
const MIDDLE = Buffer.from('","stream":"stdout","time":"');
const ERROR_MIDDLE = Buffer.from('","stream":"stderr","time":"');
const TAIL = Buffer.from('Z"}');
/** The time the shim writes, and what follows it. */
const TIME_BYTES = '2026-01-02T03:04:05.123456789Z'.length;
const TAIL_BYTES = MIDDLE.length + TIME_BYTES - 1 + TAIL.length;
/** Where the streams' names differ. */
const NAME_AT = MIDDLE.indexOf('out');
const OUT = 'o'.charCodeAt(0);
const FRAME_BYTES = 8;
const NOTHING = Buffer.alloc(0);
/** Of JSON's escapes with one letter; 0 for those that take more. */
const ESCAPED = new Uint8Array(128);
for (const [letter, byte] of Object.entries({ n: 10, r: 13, t: 9, b: 8, f: 12, '"': 34, '\\': 92, '/': 47 })) {
  ESCAPED[letter.charCodeAt(0)] = byte;
}

/** Whether lines can be taken as they are: nothing has to be known of their time, nothing is put before them. */
export function mayCopy({ sinceNs, untilNs, details }: RenderWish): boolean {
  return sinceNs === undefined && untilNs === undefined && details === undefined;
}

/**
 * Makes answers of blocks. A line as the shim writes it is known by its ends, and its text copied into its frame, without an
 * object of its own: ten times as fast as parsing it. All others are parsed.
 */
export class LogRenderer {
  readonly #wish: RenderWish;
  readonly #mayCopy: boolean;
  #isOver = false;
  #out: Buffer = NOTHING;
  #length = 0;
  /** The block as bytes and as a string of one character for each, in which V8 searches fastest. */
  #block: Buffer = NOTHING;
  #text = '';
  /** The next ones at or behind the place that is looked at; the text's length where there is none. */
  #quote = 0;
  #backslash = 0;

  constructor(wish: RenderWish) {
    this.#wish = wish;
    this.#mayCopy = mayCopy(wish);
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
    this.#block = block;
    this.#text = block.toString('latin1');
    this.#quote = 0;
    this.#backslash = 0;
    for (let from = 0; from < block.length && !this.#isOver; ) {
      const end = indexFrom(this.#text, '\n', from);
      if (!this.#mayCopy || !this.#copy(from, end)) this.#parse(from, end);
      from = end + 1;
    }
    const out = this.#out.subarray(0, this.#length);
    // Nothing is kept while a reader waits for more.
    this.#block = this.#out = NOTHING;
    this.#text = '';
    return out;
  }

  /** False for a line that has to be parsed. */
  #copy(from: number, end: number): boolean {
    const text = this.#text;
    const start = from + HEAD.length;
    const textEnd = end - TAIL_BYTES;
    if (textEnd < start || !isAt(this.#block, from, HEAD) || !hasTail(this.#block, textEnd)) return false;
    const time = textEnd + MIDDLE.length;
    const timeEnd = time + TIME_BYTES;
    if (text.indexOf('"', time) !== timeEnd) return false;
    if (this.#quote < start) this.#quote = indexFrom(text, '"', start);
    if (this.#backslash < start) this.#backslash = indexFrom(text, '\\', start);
    const escape = Math.min(this.#backslash, textEnd);
    // Looked for once for each line: the next one's.
    if (escape < textEnd) this.#backslash = indexFrom(text, '\\', textEnd);
    if (this.#backslash < timeEnd) return false;
    const isPlain = this.#quote >= textEnd && escape >= textEnd - 2;
    if (!isEscaped(this.#block, isPlain ? escape : start, textEnd)) return false;
    const isOutput = this.#block[textEnd + NAME_AT] === OUT;
    if (!(isOutput ? this.#wish.stdout : this.#wish.stderr)) return true;
    // What was parsed before may have taken more room than its line.
    this.#makeRoom(this.#block.length - from + FRAME_BYTES);
    const frame = this.#begin();
    if (this.#wish.timestamps) {
      this.#length += this.#block.copy(this.#out, this.#length, time, timeEnd);
      this.#out[this.#length++] = 32;
    }
    // Most lines have one escape, that of their own end.
    const plainEnd = isPlain ? escape : start;
    this.#length += this.#block.copy(this.#out, this.#length, start, plainEnd);
    this.#length = unescape(this.#block, plainEnd, textEnd, this.#out, this.#length);
    this.#end(frame, isOutput ? 1 : 2);
    return true;
  }

  /** Where a frame begins, its head still to be written. */
  #begin(): number {
    const at = this.#length;
    if (!this.#wish.raw) this.#length += FRAME_BYTES;
    return at;
  }

  #end(at: number, stream: number): void {
    if (this.#wish.raw) return;
    const out = this.#out;
    const length = this.#length - at - FRAME_BYTES;
    out[at] = stream;
    out[at + 1] = 0;
    out[at + 2] = 0;
    out[at + 3] = 0;
    out[at + 4] = length >>> 24;
    out[at + 5] = length >>> 16;
    out[at + 6] = length >>> 8;
    out[at + 7] = length;
  }

  #parse(from: number, end: number): void {
    const line = parseLine(this.#block.subarray(from, end));
    const verdict = line ? judge(line, this.#wish) : 'unwanted';
    if (verdict === 'over') this.#isOver = true;
    if (!line || verdict !== 'wanted') return;
    const { timestamps, details } = this.#wish;
    const before = Buffer.from(`${timestamps ? `${line.time} ` : ''}${details ? `${details(line)} ` : ''}`);
    this.#makeRoom(FRAME_BYTES + before.length + line.text.length);
    const frame = this.#begin();
    this.#length += before.copy(this.#out, this.#length);
    this.#length += line.text.copy(this.#out, this.#length);
    this.#end(frame, line.stream === 'stdout' ? 1 : 2);
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#out.length * 2, this.#length + bytes));
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}

/** Whether the stream, the time and the end of a line as the shim writes it are there. */
function hasTail(block: Buffer, at: number): boolean {
  const middle = block[at + NAME_AT] === OUT ? MIDDLE : ERROR_MIDDLE;
  return isAt(block, at + TAIL_BYTES - TAIL.length, TAIL) && isAt(block, at, middle);
}

function isAt(block: Buffer, from: number, what: Buffer): boolean {
  for (let index = 0; index < what.length; index++) if (block[from + index] !== what[index]) return false;
  return true;
}

function indexFrom(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at < 0 ? text.length : at;
}

/** Whether all that is escaped is so with one letter, and no quote ends the text before. */
function isEscaped(block: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) {
    const byte = block[at]!;
    if (byte === QUOTE) return false;
    if (byte !== BACKSLASH) continue;
    const letter = block[++at]!;
    if (at === end || letter >= 128 || ESCAPED[letter] === 0) return false;
  }
  return true;
}

function unescape(block: Buffer, from: number, end: number, out: Buffer, to: number): number {
  let written = to;
  for (let at = from; at < end; at++) {
    const byte = block[at]!;
    out[written++] = byte === BACKSLASH ? ESCAPED[block[++at]!]! : byte;
  }
  return written;
}
