/**
 * Progress of long operations: one JSON object per line, as Docker's clients read it.
 *
 * The head of the answer goes out with the first line, so what is refused before that still has a status of its own;
 * what fails later is a line with `error` in it (compat: moby's streamformatter).
 */
import { messageOf, SkiffError } from '#base';
import type { Outgoing } from '#rpc';

export interface ProgressLine {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly progress?: string;
  readonly aux?: object | string;
}

/** Updates of one item come no more often than this; the first and the last always come. */
const INTERVAL_MS = 100;

export class ProgressStream {
  readonly #response: Outgoing;
  readonly #nowMs: () => number;
  readonly #lastMs = new Map<string, number>();

  constructor(response: Outgoing, nowMs: () => number = () => performance.now()) {
    this.#response = response;
    this.#nowMs = nowMs;
  }

  /** The head, where failures are lines from the first on. */
  begin(): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'Content-Type': 'application/json' });
  }

  send(line: ProgressLine): void {
    this.begin();
    this.#response.write(`${JSON.stringify(line)}\r\n`);
  }

  /** Fulfilled when the client has taken what was sent, or is gone; undefined when it keeps up. */
  drained(): Promise<void> | undefined {
    const response = this.#response;
    if (!response.writableNeedDrain || response.destroyed) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once('drain', resolve).once('close', resolve);
    return promise.then(() => void response.off('drain', resolve).off('close', resolve));
  }

  status(status: string, id?: string): void {
    this.send(id === undefined ? { status } : { status, id });
  }

  /** A step of one item, with how far it is where that is known. */
  step(id: string, status: string, current?: number, total?: number): void {
    if (current === undefined || total === undefined) {
      this.#lastMs.delete(id);
      this.send({ status, progressDetail: {}, id });
      return;
    }
    const now = this.#nowMs();
    const last = this.#lastMs.get(id);
    if (last !== undefined && now - last < INTERVAL_MS && current < total) return;
    this.#lastMs.set(id, now);
    this.send({ status, progressDetail: { current, total }, progress: progressBar(current, total), id });
  }

  /** Ends the answer well. */
  end(): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'Content-Type': 'application/json' });
    this.#response.end();
  }

  /** Ends it with a failure; before the first line the failure is thrown on, for a status of its own. */
  fail(thrown: unknown): void {
    if (!this.#response.headersSent) throw thrown;
    const message = messageOf(thrown);
    const code = codeOf(thrown);
    const errorDetail = code === undefined ? { message } : { code, message };
    this.#response.end(`${JSON.stringify({ errorDetail, error: message })}\r\n`);
  }
}

/** compat: who is not known has the status's; the program of a build's step has its own, with which clients end. */
function codeOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof SkiffError)) return undefined;
  if (thrown.kind === 'unauthorized') return 401;
  const { code } = thrown.details;
  return typeof code === 'number' ? code : undefined;
}

/** compat: the bar old clients print as it is: fifty places, then the sizes. */
export function progressBar(current: number, total: number): string {
  const done = humanSize(current).padStart(8);
  if (total <= 0 || current > total) return done;
  const places = Math.min(50, Math.trunc((current / total) * 50));
  return `[${'='.repeat(places)}>${' '.repeat(50 - places)}] ${done}/${humanSize(total)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Four significant digits, as Go's units.HumanSize prints them. */
function humanSize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${Number(size.toPrecision(4))}${UNITS[unit]}`;
}
