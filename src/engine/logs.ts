/** Reads json-file logs: oldest rotated file first, from a point in time or the last lines, and on as they grow. */
import { createReadStream, existsSync, statSync, watch } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { parseTimeNs } from '#base';

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly text: Buffer;
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

/** Lines in the order they were written. A line that cannot be parsed (a torn write of a crash) is left out. */
export async function* readLog(source: LogSource, query: LogQuery): AsyncGenerator<LogLine> {
  const files = filesOf(source);
  const tailed = query.tail === undefined ? undefined : await tailStart(files, query.tail, query);
  const from = tailed ?? { file: 0, offset: 0 };
  for (const [index, path] of files.slice(from.file).entries()) {
    const isCurrent = path === source.path;
    const start = index === 0 ? from.offset : 0;
    if (isCurrent && query.follow) yield* follow(source, start, query);
    else yield* filtered(readLines(path, start), query);
  }
  if (files.length === 0 && query.follow) yield* follow(source, 0, query);
}

/** `.N` is the oldest; the plain name is being written. */
function filesOf({ path, maxFiles }: LogSource): string[] {
  const rotated = Array.from({ length: Math.max(0, maxFiles - 1) }, (_, index) => `${path}.${index + 1}`).reverse();
  return [...rotated, path].filter((file) => existsSync(file));
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
    const value = JSON.parse(bytes.toString('utf8')) as { log?: unknown; stream?: unknown; time?: unknown };
    if (typeof value.log !== 'string' || typeof value.time !== 'string') return undefined;
    return { stream: value.stream === 'stderr' ? 'stderr' : 'stdout', time: value.time, text: Buffer.from(value.log) };
  } catch {
    return undefined;
  }
}

async function* readLines(path: string, start: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { start, highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, from)) {
      yield data.subarray(from, at);
      from = at + 1;
    }
    rest = data.subarray(from);
  }
}

/** Reads the current file as it grows and through its rotation, until the writer has ended or the reader has gone. */
async function* follow(source: LogSource, start: number, query: LogQuery): AsyncGenerator<LogLine> {
  let ended = false;
  const wake = wakeUp();
  void source.ended.then(() => {
    ended = true;
    wake.now();
  });
  source.signal?.addEventListener('abort', wake.now, { once: true });
  const watcher = existsSync(source.path) ? watch(source.path, wake.now) : undefined;
  let file = await openIfThere(source.path);
  let offset = start;
  let rest: Buffer = Buffer.alloc(0);
  try {
    while (source.signal?.aborted !== true) {
      const wasEnded = ended;
      file ??= await openIfThere(source.path);
      const chunk = file ? await readAt(file, offset) : Buffer.alloc(0);
      if (chunk.length > 0) {
        offset += chunk.length;
        const { lines, rest: left } = splitLines(rest, chunk);
        rest = left;
        yield* filtered(toAsync(lines), query);
        continue;
      }
      if (file && (await wasReplaced(file, source.path))) {
        await file.close();
        file = await openIfThere(source.path);
        offset = 0;
        continue;
      }
      if (wasEnded) return;
      await wake.next();
    }
  } finally {
    watcher?.close();
    source.signal?.removeEventListener('abort', wake.now);
    await file?.close();
  }
}

/** Rotation renames the file and makes a new one; with a single file it is cut to nothing. */
async function wasReplaced(file: FileHandle, path: string): Promise<boolean> {
  const mine = await file.stat();
  const current = statSync(path, { throwIfNoEntry: false });
  return current !== undefined && current.ino !== mine.ino;
}

async function readAt(file: FileHandle, offset: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  const { bytesRead } = await file.read(buffer, 0, CHUNK, offset);
  return buffer.subarray(0, bytesRead);
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return existsSync(path) ? open(path, 'r') : undefined;
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
function wakeUp(): { now: () => void; next: () => Promise<void> } {
  let called = false;
  let resolve: (() => void) | undefined;
  return {
    now: () => {
      called = true;
      resolve?.();
    },
    next: async () => {
      if (!called) {
        await new Promise<void>((done) => {
          resolve = done;
          setTimeout(done, 1000).unref();
        });
      }
      called = false;
      resolve = undefined;
    },
  };
}

/** Where the last `count` lines begin, found by reading backwards. A line split by the shim counts once (no "\n" at its parts). */
async function tailStart(
  files: readonly string[],
  count: number,
  query: LogQuery,
): Promise<{ file: number; offset: number }> {
  let left = count;
  for (let index = files.length - 1; index >= 0; index--) {
    const file = await open(files[index]!, 'r');
    try {
      const { size } = await file.stat();
      if (left === 0) return { file: index, offset: size };
      const found = await scanBackwards(file, size, left, query);
      if (found.offset !== undefined) return { file: index, offset: found.offset };
      left -= found.lines;
    } finally {
      await file.close();
    }
  }
  return { file: 0, offset: 0 };
}

async function scanBackwards(
  file: FileHandle,
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
    await file.read(buffer, 0, buffer.length, start);
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
