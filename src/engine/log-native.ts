/**
 * Large logs are rendered by the native helper, beside this process: it knows the lines the shim has written, and stops at the
 * first that is another, where the renderer here goes on.
 */
import { text } from 'node:stream/consumers';
import { spawnLogReader } from '#linux';
import { errors } from './errors.ts';
import type { LogFile } from './log-files.ts';
import { mayCopy, type RenderWish } from './log-lines.ts';

/** Bytes of a log file; `end` is Infinity where it is not known before it is read. */
export interface LogStretch {
  readonly file: LogFile;
  readonly start: number;
  readonly end: number;
}

/** To start a program costs as much as rendering this. */
const WORTH_BYTES = 4 * 1024 * 1024;

const OUTPUT = 1;
const ERRORS = 2;
const RAW = 4;
const TIMESTAMPS = 8;

/** Gives the offset up to which it came; the start where it is not worth it, or nothing could be started. */
export async function* renderNatively(stretch: LogStretch, wish: RenderWish): AsyncGenerator<Buffer, number> {
  const { file, start, end } = stretch;
  if (file.compressed || end - start < WORTH_BYTES || !mayCopy(wish)) return start;
  const flags =
    (wish.stdout ? OUTPUT : 0) | (wish.stderr ? ERRORS : 0) | (wish.raw ? RAW : 0) | (wish.timestamps ? TIMESTAMPS : 0);
  const reader = spawnLogReader(file.handle.fd, { start, end, flags });
  reader.on('error', () => {});
  if (reader.pid === undefined) return start;
  const reached = text(reader.stderr).catch(() => '');
  try {
    for await (const piece of reader.stdout as AsyncIterable<Buffer>) {
      yield piece;
    }
    const offset = Number.parseInt(await reached, 10);
    if (offset >= start && offset <= end) return offset;
    throw errors.logReaderEnded();
  } finally {
    reader.kill('SIGKILL');
  }
}
