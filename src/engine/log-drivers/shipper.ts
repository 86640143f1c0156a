/**
 * Sends a container's lines to its log server: reads them from the files the shim writes, in batches, and remembers
 * how far it came. What fails is tried again, later and later, for as long as the container is there.
 *
 * After a daemon was killed the lines of its last second may be sent twice, and none is left out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { causeChain, type Log, parseTimeNs } from '#base';
import { type LogSource, readLog } from '../logs.ts';
import type { LogEntry, LogSink } from './driver.ts';

const BATCH_ENTRIES = 500;
/** A line waits this long for others. */
const GATHER_MS = 20;
const NOTE_MS = 1000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** How long the end of a container is given for its last lines, while its server is away. */
const LAST_TRIES_MS = 5000;
/** How long a server that takes nothing may hold up the daemon's end. */
const CLOSE_MS = 2000;

/**
 * The time of the last line that was sent, in nanoseconds, and how many of that time were: lines that are written
 * together have one time. By container.
 */
export interface ShippedMark {
  readonly timeNs: string;
  readonly count: number;
}

export interface ShipmentOptions {
  readonly containerId: string;
  readonly source: Omit<LogSource, 'signal'>;
  /** The run before may still be sending its last lines: this one begins behind it. */
  readonly after: Promise<void>;
  shipped(): ShippedMark | undefined;
  readonly log: Log;
  /** Called now and then, and at the end. */
  note(mark: ShippedMark): void;
  /** Opens what the container's driver sends to; called again after a failure. */
  open(): Promise<LogSink>;
  /** One that is open already. */
  readonly sink?: LogSink;
}

/** One run of a container. Ends by itself when its last line was sent. */
export class Shipment {
  readonly #options: ShipmentOptions;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #sink: LogSink | undefined;
  #waiting: LogEntry[] = [];
  #endedAtMs: number | undefined;
  #notedAtMs = 0;
  #lastNs = 0n;
  #lastCount = 0;
  /** Lines of the last time that were sent before this began. */
  #skip = 0;

  constructor(options: ShipmentOptions) {
    this.#options = options;
    this.#sink = options.sink;
    void options.source.ended.then(() => {
      this.#endedAtMs = Date.now();
    });
    this.#done = this.#run().catch((error: unknown) => {
      options.log.error('lines are no longer sent', { container: options.containerId, error: causeChain(error) });
    });
  }

  /** Fulfilled when nothing more will be sent. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Stops where it is, and the next one goes on from there; that of a container that has ended comes to its end. */
  async close(): Promise<void> {
    if (this.#endedAtMs === undefined) this.#stop.abort();
    await Promise.race([this.#done, delay(this.#endedAtMs === undefined ? CLOSE_MS : LAST_TRIES_MS)]);
  }

  async #run(): Promise<void> {
    const { source, after, shipped } = this.#options;
    const { signal } = this.#stop;
    await after;
    const mark = shipped();
    this.#lastNs = BigInt(mark?.timeNs ?? '0');
    this.#lastCount = mark?.count ?? 0;
    this.#skip = this.#lastCount;
    const lines = readLog({ ...source, signal }, { stdout: true, stderr: true, follow: true, sinceNs: this.#lastNs });
    try {
      let next = lines.next();
      for (;;) {
        // The reader is not disturbed: whichever comes first, its promise stays the same.
        const result = this.#waiting.length === 0 ? await next : await Promise.race([next, delay(GATHER_MS)]);
        if (result === undefined) {
          await this.#send();
          continue;
        }
        if (result.done === true) break;
        const entry = entryOf(result.value);
        if (entry.timeNs === this.#lastNs && this.#skip > 0) this.#skip -= 1;
        else this.#waiting.push(entry);
        if (this.#waiting.length >= BATCH_ENTRIES) await this.#send();
        next = lines.next();
      }
      await this.#send();
    } finally {
      this.#note();
      await this.#drop();
    }
  }

  async #send(): Promise<void> {
    const entries = this.#waiting;
    if (entries.length === 0) return;
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, MAX_RETRY_MS)) {
      if (this.#stop.signal.aborted) return;
      try {
        this.#sink ??= await this.#options.open();
        await this.#sink.send(entries);
        break;
      } catch (error) {
        await this.#failed(error, pause);
        if (this.#isOver()) return;
      }
    }
    this.#waiting = [];
    const { timeNs } = entries.at(-1)!;
    const sameTime = entries.filter((entry) => entry.timeNs === timeNs).length;
    this.#lastCount = timeNs === this.#lastNs ? this.#lastCount + sameTime : sameTime;
    this.#lastNs = timeNs;
    if (Date.now() - this.#notedAtMs > NOTE_MS) this.#note();
  }

  async #failed(error: unknown, pauseMs: number): Promise<void> {
    const { containerId, log } = this.#options;
    await this.#drop();
    log.warn('the log server did not take lines', { container: containerId, error: causeChain(error), pauseMs });
    await delay(this.#endedAtMs === undefined ? pauseMs : FIRST_RETRY_MS, undefined, {
      signal: this.#stop.signal,
    }).catch(() => {});
  }

  /** A server that does not listen must not keep anything from ending. */
  async #drop(): Promise<void> {
    try {
      await this.#sink?.[Symbol.asyncDispose]();
    } catch {
      // It is of no use any more.
    }
    this.#sink = undefined;
  }

  /** The container has ended, and its server has had its time: the lines are in its files as long as it is there. */
  #isOver(): boolean {
    return this.#endedAtMs !== undefined && Date.now() - this.#endedAtMs > LAST_TRIES_MS;
  }

  #note(): void {
    if (this.#lastNs === 0n) return;
    this.#notedAtMs = Date.now();
    this.#options.note({ timeNs: String(this.#lastNs), count: this.#lastCount });
  }
}

function entryOf(line: {
  readonly stream: 'stdout' | 'stderr';
  readonly time: string;
  readonly text: Buffer;
}): LogEntry {
  const isPartial = line.text.at(-1) !== 10;
  const text = line.text.toString('utf8', 0, isPartial ? line.text.length : line.text.length - 1);
  return { stream: line.stream, timeNs: parseTimeNs(line.time) ?? 0n, text, isPartial };
}
