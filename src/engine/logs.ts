/** Reads json-file logs: oldest rotated file first, from a point in time or the last lines, and on as they grow. */
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { nowNs, parseTimeNs, whenFulfilled } from '#base';
import type { LogMark } from '#runtime';
import { inflated } from './log-drivers/compressed-log.ts';
import { closeAll, isCurrent, type LogFile, openAll, openOldest, openNext } from './log-files.ts';
import { judge, type LineWish, linesOf, type LogLine, LogRenderer, parseLine, type RenderWish } from './log-lines.ts';
import { type LogStretch, renderNatively } from './log-native.ts';

export interface LogQuery extends LineWish {
  /** Number of last lines; undefined for all. */
  readonly tail?: number;
  readonly follow: boolean;
}

export interface LogSource {
  readonly path: string;
  readonly maxFiles: number;
  /** Where it ends, with `follow` not asked for; undefined: where it ended when it was asked for. */
  readonly end?: LogMark;
  /** Fulfilled when nothing will be written any more; `follow` then reads to the end and stops. */
  readonly ended: Promise<void>;
  readonly signal?: AbortSignal;
}

const FIRST_CHUNK = 64 * 1024;
const CHUNK = 1024 * 1024;
const TICK_MS = 1000;
const NEWLINE = 10;

/** Lines in the order they were written. A line that cannot be parsed (a torn write of a crash) is left out. */
export async function* readLog(source: LogSource, query: LogQuery): AsyncGenerator<LogLine> {
  for await (const block of readLogBlocks(source, query)) {
    for (const bytes of linesOf(block)) {
      const line = parseLine(bytes);
      const verdict = line ? judge(line, query) : 'unwanted';
      if (verdict === 'over') return;
      if (line && verdict === 'wanted') yield line;
    }
  }
}

/** What a client gets of it, in pieces. A piece is written over when the next is asked for. */
export async function* renderLog(source: LogSource, query: LogQuery, wish: RenderWish): AsyncGenerator<Buffer> {
  const renderer = new LogRenderer(wish);
  for await (const part of readParts(source, query)) {
    const stretch = isStretch(part) ? { ...part, start: yield* renderNatively(part, wish) } : part;
    for await (const block of isStretch(stretch) ? readBlocks(stretch) : [stretch]) {
      const piece = renderer.render(block);
      if (piece.length > 0) yield piece;
      if (renderer.isOver) return;
    }
  }
}

/**
 * The bytes of the files, in blocks of whole lines; what is not wanted is still in them. A block is written over when the next
 * is asked for.
 */
export async function* readLogBlocks(source: LogSource, query: LogQuery): AsyncGenerator<Buffer> {
  for await (const part of readParts(source, query)) {
    if (isStretch(part)) yield* readBlocks(part);
    else yield part;
  }
}

const isStretch = (part: Buffer | LogStretch): part is LogStretch => 'file' in part;

/** What there was when it was asked, file by file, and then the lines that come. */
async function* readParts(source: LogSource, query: LogQuery): AsyncGenerator<Buffer | LogStretch> {
  const opened = await openAll(source);
  let files = opened;
  try {
    if (source.end) files = await begunBefore(opened, source.end);
    const ends = await Promise.all(files.map(endOf));
    const last = files.at(-1);
    if (source.end && last && hasMark(last, source.end)) ends[files.length - 1] = source.end.size;
    const from = query.tail === undefined ? { file: 0, offset: 0 } : await tailStart(files, ends, query.tail, query);
    const whole = files.slice(from.file, query.follow ? -1 : undefined);
    for (const [index, file] of whole.entries()) {
      yield { file, start: index === 0 ? from.offset : 0, end: ends[from.file + index]! };
    }
    if (query.follow) yield* follow(source, files.pop(), whole.length === 0 ? from.offset : 0, query);
  } finally {
    await closeAll(opened);
  }
}

/** Those begun before the mark: what came later comes through the stream. A burst of rotations may bring any of them here. */
async function begunBefore(files: readonly LogFile[], { timeNs }: LogMark): Promise<LogFile[]> {
  const kept: LogFile[] = [];
  for (const file of files) {
    const first = await firstTime(file);
    if (first !== undefined && first <= timeNs) kept.push(file);
  }
  return kept;
}

/** Of its first line; undefined without any. */
async function firstTime(file: LogFile): Promise<bigint | undefined> {
  for await (const block of readBlocks({ file, start: 0, end: Infinity })) {
    for (const bytes of linesOf(block)) {
      const line = parseLine(bytes);
      if (line) return parseTimeNs(line.time);
    }
  }
  return undefined;
}

/** Of the file the mark is in. Another one was full by then. kernel: the inode of one that has gone is given to others. */
const hasMark = (file: LogFile, { inode }: LogMark): boolean =>
  file.compressed ? file.compressed !== 'unknown' && file.compressed.inode === inode : file.inode === inode;

/** Where a file ended when it was asked: what is written while it is read is not part of the answer. */
const endOf = async ({ handle, compressed }: LogFile): Promise<number> =>
  compressed ? Infinity : (await handle.stat()).size;

async function* readBlocks({ file, start, end }: LogStretch): AsyncGenerator<Buffer> {
  if (!file.compressed) return yield* readPlainBlocks(file, start, end);
  let rest: Buffer = Buffer.alloc(0);
  let left = end - start;
  for await (const chunk of inflated(file.handle, start)) {
    const split = splitBlock(rest, chunk.subarray(0, left));
    rest = split.rest;
    left -= chunk.length;
    if (split.block.length > 0) yield split.block;
    if (left <= 0) return;
  }
}

/** In one piece of memory: of each block a new one, V8 would collect garbage for a third of the time. */
async function* readPlainBlocks({ handle }: LogFile, start: number, stop: number): AsyncGenerator<Buffer> {
  // Most files are small, and there may be hundreds.
  let buffer = Buffer.allocUnsafe(FIRST_CHUNK);
  let held = 0;
  for (let offset = start; ; ) {
    const size = Math.min(buffer.length - held, stop - offset);
    if (size <= 0) return;
    const { bytesRead } = await handle.read(buffer, held, size, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    held += bytesRead;
    const end = buffer.subarray(0, held).lastIndexOf(NEWLINE) + 1;
    if (end > 0) yield buffer.subarray(0, end);
    // A line that is longer than the buffer makes it longer.
    const grows = buffer.length < CHUNK || end === 0;
    const next = grows ? Buffer.allocUnsafe(Math.max(buffer.length * 2, Math.min(buffer.length * 4, CHUNK))) : buffer;
    buffer.copy(next, 0, end, held);
    held -= end;
    buffer = next;
  }
}

/** Reads the current file as it grows and through its rotation, until the writer has ended or the reader has gone. */
async function* follow(
  source: LogSource,
  first: LogFile | undefined,
  start: number,
  query: LogQuery,
): AsyncGenerator<Buffer> {
  let ended = false;
  using wake = wakeUp(dirname(source.path));
  using _end = whenFulfilled(source.ended, () => {
    ended = true;
    wake.now();
  });
  source.signal?.addEventListener('abort', wake.now, { once: true });
  let file = first;
  let offset = start;
  let rest: Buffer = Buffer.alloc(0);
  try {
    while (source.signal?.aborted !== true) {
      const wasEnded = ended || (query.untilNs !== undefined && nowNs() > query.untilNs);
      // None when it began: what has been written since begins with the oldest.
      file ??= await openOldest(source);
      if (file?.compressed) {
        // An old one, which was met because more were written than read.
        yield* readBlocks({ file, start: offset, end: Infinity });
        file = await goOn(source, file);
        offset = 0;
        continue;
      }
      // Asked before reading: a file that has been put away gets nothing more, so that its end is its end.
      const current = !file || isCurrent(source, file);
      // Somebody has cut it to nothing.
      if (file && (await file.handle.stat()).size < offset) offset = 0;
      const chunk = file ? await readAt(file, offset) : Buffer.alloc(0);
      if (chunk.length > 0) {
        offset += chunk.length;
        const { block, rest: left } = splitBlock(rest, chunk);
        rest = left;
        if (block.length > 0) yield block;
      } else if (file && !current) {
        file = await goOn(source, file);
        offset = 0;
        rest = Buffer.alloc(0);
      } else {
        if (wasEnded) return;
        await wake.next();
      }
    }
  } finally {
    source.signal?.removeEventListener('abort', wake.now);
    await file?.handle.close();
  }
}

async function goOn(source: LogSource, file: LogFile): Promise<LogFile | undefined> {
  const next = await openNext(source, file);
  await file.handle.close();
  return next;
}

async function readAt(file: LogFile, offset: number, size = CHUNK): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  const { bytesRead } = await file.handle.read(buffer, 0, size, offset);
  return buffer.subarray(0, bytesRead);
}

function splitBlock(rest: Buffer, chunk: Buffer): { block: Buffer; rest: Buffer } {
  const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  const end = data.lastIndexOf(NEWLINE) + 1;
  return { block: data.subarray(0, end), rest: data.subarray(end) };
}

/** A wake-up call that is not lost when it comes before somebody waits; a slow tick covers watchers that miss one. */
function wakeUp(folder: string): Disposable & { now: () => void; next: () => Promise<void> } {
  let called = false;
  let resolve: (() => void) | undefined;
  const now = (): void => {
    called = true;
    resolve?.();
  };
  const watcher = watchFolder(folder, now);
  return {
    now,
    next: async () => {
      if (!called) {
        const { promise, resolve: done } = Promise.withResolvers<void>();
        resolve = done;
        const timer = setTimeout(done, TICK_MS);
        await promise;
        clearTimeout(timer);
      }
      called = false;
      resolve = undefined;
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
}

/** The folder rather than the file: rotation puts another one in its place. Nothing where the kernel has no watches left. */
function watchFolder(folder: string, listener: () => void): { close(): void } | undefined {
  try {
    return watch(folder, listener).on('error', () => {});
  } catch {
    return undefined;
  }
}

/** Where the last `count` lines begin, found by reading backwards. A line split by the shim counts once (no "\n" at its parts). */
async function tailStart(
  files: readonly LogFile[],
  ends: readonly number[],
  count: number,
  query: LogQuery,
): Promise<{ file: number; offset: number }> {
  let left = count;
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index]!;
    const size = ends[index]!;
    if (left === 0) return { file: index, offset: size };
    const found = await (file.compressed ? scanForwards(file, left, query) : scanBackwards(file, size, left, query));
    if (found.offset !== undefined) return { file: index, offset: found.offset };
    left -= found.lines;
  }
  return { file: 0, offset: 0 };
}

/** Of a file that can be read from its beginning only: how many lines there are, and then behind which of them to begin. */
async function scanForwards(
  file: LogFile,
  wanted: number,
  query: LogQuery,
): Promise<{ offset?: number; lines: number }> {
  let lines = 0;
  for await (const block of readBlocks({ file, start: 0, end: Infinity }))
    for (const bytes of linesOf(block)) if (isCounted(parseLine(bytes), query)) lines += 1;
  if (lines < wanted) return { lines };
  let skip = lines - wanted;
  let offset = 0;
  for await (const block of skip > 0 ? readBlocks({ file, start: 0, end: Infinity }) : []) {
    for (const bytes of linesOf(block)) {
      if (skip === 0) return { offset, lines: wanted };
      offset += bytes.length + 1;
      if (isCounted(parseLine(bytes), query)) skip -= 1;
    }
  }
  return { offset, lines: wanted };
}

function isCounted(line: LogLine | undefined, query: LogQuery): boolean {
  return line !== undefined && (line.stream === 'stdout' ? query.stdout : query.stderr) && line.text.at(-1) === 10;
}

async function scanBackwards(
  file: LogFile,
  size: number,
  wanted: number,
  query: LogQuery,
): Promise<{ offset?: number; lines: number }> {
  let lines = 0;
  let end = size;
  let tail: Buffer = Buffer.alloc(0);
  while (end > 0) {
    const start = Math.max(0, end - CHUNK);
    const buffer = Buffer.allocUnsafe(end - start);
    await file.handle.read(buffer, 0, buffer.length, start);
    const data = Buffer.concat([buffer, tail]);
    let lineEnd = data.length;
    while (lineEnd > 0) {
      const at = newlineBefore(data, lineEnd - 1);
      if (at < 0 && start > 0) break;
      if (isCounted(parseLine(data.subarray(at + 1, lineEnd - 1)), query)) lines += 1;
      if (lines > wanted) return { offset: start + lineEnd, lines: wanted };
      lineEnd = at + 1;
    }
    tail = data.subarray(0, lineEnd);
    end = start;
  }
  return lines >= wanted ? { offset: 0, lines } : { lines };
}

/** Index of the last newline before `end`, -1 when there is none. */
function newlineBefore(data: Buffer, end: number): number {
  return end <= 0 ? -1 : data.lastIndexOf(NEWLINE, end - 1);
}
