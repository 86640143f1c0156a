/** Reads json-file logs: oldest rotated file first, from a point in time or the last lines, and on as they grow. */
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { nowNs, parseTimeNs } from '#base';
import { closeAll, isCurrent, type LogFile, openAll, openCurrent, openNext } from './log-files.ts';

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly text: Buffer;
  /** What the log was asked to keep with each line. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface LogQuery {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Number of last lines; undefined for all. */
  readonly tail?: number;
  /** Unix time in nanoseconds. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  readonly follow: boolean;
}

export interface LogSource {
  readonly path: string;
  readonly maxFiles: number;
  /** Fulfilled when nothing will be written any more; `follow` then reads to the end and stops. */
  readonly ended: Promise<void>;
  readonly signal?: AbortSignal;
}

const CHUNK = 1024 * 1024;
const TICK_MS = 1000;

/** Lines in the order they were written. A line that cannot be parsed (a torn write of a crash) is left out. */
export async function* readLog(source: LogSource, query: LogQuery): AsyncGenerator<LogLine> {
  const files = await openAll(source);
  try {
    const from = query.tail === undefined ? { file: 0, offset: 0 } : await tailStart(files, query.tail, query);
    const whole = files.slice(from.file, query.follow ? -1 : undefined);
    for (const [index, file] of whole.entries()) {
      yield* filtered(readLines(file, index === 0 ? from.offset : 0), query);
    }
    if (query.follow) yield* follow(source, files.pop(), whole.length === 0 ? from.offset : 0, query);
  } finally {
    await closeAll(files);
  }
}

async function* filtered(lines: AsyncIterable<Buffer>, query: LogQuery): AsyncGenerator<LogLine> {
  for await (const bytes of lines) {
    const line = parseLine(bytes);
    if (!line || !(line.stream === 'stdout' ? query.stdout : query.stderr)) continue;
    if (query.sinceNs !== undefined || query.untilNs !== undefined) {
      const time = parseTimeNs(line.time) ?? 0n;
      if (query.sinceNs !== undefined && time < query.sinceNs) continue;
      if (query.untilNs !== undefined && time > query.untilNs) return;
    }
    yield line;
  }
}

function parseLine(bytes: Buffer): LogLine | undefined {
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

async function* readLines(file: LogFile, start: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (let offset = start; ; ) {
    const chunk = await readAt(file, offset);
    if (chunk.length === 0) return;
    offset += chunk.length;
    const split = splitLines(rest, chunk);
    rest = split.rest;
    yield* split.lines;
  }
}

/** Reads the current file as it grows and through its rotation, until the writer has ended or the reader has gone. */
async function* follow(
  source: LogSource,
  first: LogFile | undefined,
  start: number,
  query: LogQuery,
): AsyncGenerator<LogLine> {
  let ended = false;
  using wake = wakeUp(dirname(source.path));
  void source.ended.then(() => {
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
      file ??= await openCurrent(source);
      // Asked before reading: a file that has been put away gets nothing more, so that its end is its end.
      const current = !file || isCurrent(source, file);
      // Somebody has cut it to nothing.
      if (file && (await file.handle.stat()).size < offset) offset = 0;
      const chunk = file ? await readAt(file, offset) : Buffer.alloc(0);
      if (chunk.length > 0) {
        offset += chunk.length;
        const { lines, rest: left } = splitLines(rest, chunk);
        rest = left;
        yield* filtered(toAsync(lines), query);
      } else if (file && !current) {
        const next = await openNext(source, file);
        await file.handle.close();
        file = next;
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

async function readAt(file: LogFile, offset: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  const { bytesRead } = await file.handle.read(buffer, 0, CHUNK, offset);
  return buffer.subarray(0, bytesRead);
}

function splitLines(rest: Buffer, chunk: Buffer): { lines: Buffer[]; rest: Buffer } {
  const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, from)) {
    lines.push(data.subarray(from, at));
    from = at + 1;
  }
  return { lines, rest: data.subarray(from) };
}

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
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
  count: number,
  query: LogQuery,
): Promise<{ file: number; offset: number }> {
  let left = count;
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index]!;
    const { size } = await file.handle.stat();
    if (left === 0) return { file: index, offset: size };
    const found = await scanBackwards(file, size, left, query);
    if (found.offset !== undefined) return { file: index, offset: found.offset };
    left -= found.lines;
  }
  return { file: 0, offset: 0 };
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
      const line = parseLine(data.subarray(at + 1, lineEnd - 1));
      const wantedStream = line && (line.stream === 'stdout' ? query.stdout : query.stderr);
      if (wantedStream && line.text.at(-1) === 10) lines += 1;
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
  return end <= 0 ? -1 : data.lastIndexOf(10, end - 1);
}
