/** What a build has told so far, as its progress is shown: steps in their order, with times and the end of their output. Pure. */
import type { BuildAmount, BuildStreamEvent } from '#specs';

export interface ShownStep {
  readonly key: string;
  readonly name: string;
  state: 'waiting' | 'running' | 'cached' | 'done' | 'failed';
  /** Milliseconds on the caller's clock. */
  startedMs: number;
  endedMs: number;
  /** Whole lines of output, the newest last, and the one that has not ended. */
  readonly tail: string[];
  partial: string;
  /** Everything it wrote, as long as it is not too much: shown when it fails. */
  log: string;
  /** How far parts of it are, such as layers that are pulled, by name. */
  readonly parts: Map<string, BuildAmount>;
}

/** As many lines as are ever shown of one step. */
const TAIL_LINES = 6;
const MAX_LOG = 64 * 1024;
const MAX_LINE = 1024;

export class BuildState {
  /** In the order they are shown in. */
  readonly steps: ShownStep[] = [];
  /** For the user, told at the end. */
  readonly notices: string[] = [];
  readonly #byKey = new Map<string, ShownStep>();
  readonly #decoders = new Map<string, TextDecoder>();

  /** `nowMs` is when it was heard. */
  event(event: BuildStreamEvent, nowMs: number): void {
    switch (event.type) {
      case 'planned':
        for (const { id, name } of event.steps) this.#step(`step ${id}`, name);
        return;
      case 'pull': {
        const step = this.#step(`pull ${event.reference}`, `[internal] load metadata for ${event.reference}`);
        this.#begin(step, nowMs);
        if (event.id !== undefined) step.parts.set(event.id, partOf(event));
        return;
      }
      case 'pulled':
        for (const step of this.steps) if (step.key.startsWith('pull ')) this.#end(step, 'done', nowMs);
        return;
      case 'log':
        this.#log(this.#step(`step ${event.step}`, ''), event.stream, Buffer.from(event.data, 'base64'));
        return;
      case 'status': {
        const step = this.#step(`step ${event.step}`, '');
        this.#begin(step, nowMs);
        step.parts.set(event.id, partOf(event));
        return;
      }
      case 'notice':
        this.notices.push(event.text);
        return;
      case 'started':
        this.#begin(this.#step(`step ${event.step}`, ''), nowMs);
        return;
      default:
        this.#end(this.#step(`step ${event.step}`, ''), event.type, nowMs);
    }
  }

  /** Something of the client's own, such as the context it sends. */
  own(name: string, state: 'running' | 'done', status: string, nowMs: number): void {
    const step = this.#step(`own ${name}`, name);
    this.#begin(step, nowMs);
    if (status !== '') step.parts.set('', { status });
    if (state === 'done') this.#end(step, 'done', nowMs);
  }

  /** Whatever still runs has ended with the build. */
  end(nowMs: number): void {
    for (const step of this.steps) if (step.state === 'running') this.#end(step, 'done', nowMs);
  }

  #step(key: string, name: string): ShownStep {
    const known = this.#byKey.get(key);
    if (known) return known;
    const step: ShownStep = {
      ...{ key, name, state: 'waiting', startedMs: 0, endedMs: 0, tail: [], partial: '', log: '' },
      parts: new Map(),
    };
    this.#byKey.set(key, step);
    this.steps.push(step);
    return step;
  }

  #begin(step: ShownStep, nowMs: number): void {
    if (step.state !== 'waiting') return;
    step.state = 'running';
    step.startedMs = nowMs;
  }

  #end(step: ShownStep, state: 'cached' | 'done' | 'failed', nowMs: number): void {
    // What the cache has is told as such, and then as done.
    if (step.state === 'cached' || step.state === 'done') return;
    this.#begin(step, nowMs);
    step.state = state;
    step.endedMs = nowMs;
  }

  #log(step: ShownStep, stream: number, bytes: Buffer): void {
    const decoder = this.#decoders.getOrInsertComputed(`${step.key} ${stream}`, () => new TextDecoder());
    const text = decoder.decode(bytes, { stream: true });
    if (step.log.length < MAX_LOG) step.log += text;
    const lines = (step.partial + text).split('\n');
    step.partial = lines.pop()!.slice(-MAX_LINE);
    step.tail.push(...lines.slice(-TAIL_LINES).map((line) => line.slice(-MAX_LINE)));
    step.tail.splice(0, step.tail.length - TAIL_LINES);
  }
}

function partOf({ status, current, total }: BuildAmount): BuildAmount {
  return { status, ...(current === undefined ? {} : { current }), ...(total === undefined ? {} : { total }) };
}
