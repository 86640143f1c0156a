/** What a build tells → lines of the answer with an event each, for clients that show steps side by side. */
import type { BuildEvent, PullLine } from '#build';
import { BUILD_EVENT, type BuildStreamEvent } from '#specs';
import type { ProgressStream } from '../../progress.ts';

/** Between two tellings of how far one thing has come. */
const EVERY_MS = 100;

export class BuildEvents {
  readonly #progress: ProgressStream;
  readonly #toldMs = new Map<string, number>();

  constructor(progress: ProgressStream) {
    this.#progress = progress;
  }

  notice(text: string): void {
    this.#send({ type: 'notice', text });
  }

  pull({ reference, id, status, current, total }: PullLine): void {
    const amount = { status, ...(current === undefined ? {} : { current }), ...(total === undefined ? {} : { total }) };
    if (this.#isTooSoon(`pull ${reference} ${id} ${status}`, current, total)) return;
    this.#send({ type: 'pull', reference, ...(id === undefined ? {} : { id }), ...amount });
  }

  /** The plan is made. */
  pulled(): void {
    this.#send({ type: 'pulled' });
  }

  event(event: BuildEvent): void {
    switch (event.type) {
      case 'log':
        this.#send({ type: 'log', step: event.step, stream: event.stream, data: event.bytes.toString('base64') });
        return;
      case 'status':
        if (!this.#isTooSoon(`${event.step} ${event.id} ${event.status}`, event.current, event.total))
          this.#send(event);
        return;
      case 'done':
        // What it is called in the cache is nobody's business.
        this.#send({ type: 'done', step: event.step });
        return;
      default:
        this.#send(event);
    }
  }

  #isTooSoon(what: string, current: number | undefined, total: number | undefined): boolean {
    if (current === undefined || current === total) return false;
    const now = performance.now();
    const last = this.#toldMs.get(what);
    if (last !== undefined && now - last < EVERY_MS) return true;
    this.#toldMs.set(what, now);
    return false;
  }

  #send(event: BuildStreamEvent): void {
    this.#progress.send({ id: BUILD_EVENT, aux: event });
  }
}
