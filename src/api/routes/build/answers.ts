/** How the client of `POST /build` is told: in the classic builder's lines, in our own events, or in BuildKit's traces. */
import { type BuildEvent, type BuildOutcome, type BuildPlan, type Dockerfile, type PullLine } from '#build';
import { shortId, SkiffError } from '#base';
import { parseTag } from '#registry';
import type { ProgressStream } from '../../progress.ts';
import { BuildEvents } from './build-events.ts';
import type { BuildQuery } from './build-query.ts';
import { ClassicLines } from './classic-lines.ts';
import type { OpenedRecord } from './recorded.ts';

export interface BuildAnswer {
  planned(dockerfile: Dockerfile, plan: BuildPlan): void;
  pull(line: PullLine): void;
  event(event: BuildEvent): void;
  built(outcome: BuildOutcome): Promise<void> | void;
  failed(error: unknown): Promise<void> | void;
}

/** Characters kept of what a quiet build has said so far. */
const MOST_UNTOLD = 1 << 20;

/** compat: of a quiet build its image is told only, and everything when it fails. */
export class ClassicAnswer implements BuildAnswer {
  readonly #progress: ProgressStream;
  readonly #query: BuildQuery;
  readonly #lines: ClassicLines;
  #untold = '';

  constructor(progress: ProgressStream, query: BuildQuery) {
    this.#progress = progress;
    this.#query = query;
    this.#lines = new ClassicLines({
      write: (text) => {
        if (query.isQuiet) this.#untold = (this.#untold + text).slice(-MOST_UNTOLD);
        else progress.send({ stream: text });
      },
    });
  }

  planned(dockerfile: Dockerfile, plan: BuildPlan): void {
    this.#lines.begin(dockerfile, plan, this.#query.target);
    if (this.#query.isQuiet) return;
    for (const notice of plan.notices) this.#progress.send({ stream: `${notice}\n` });
  }

  pull({ id, status, current, total }: PullLine): void {
    if (this.#query.isQuiet) return;
    if (id === undefined) this.#progress.status(status);
    else this.#progress.step(shortId(id), status, current, total);
  }

  event(event: BuildEvent): void {
    this.#lines.event(event);
  }

  built(outcome: BuildOutcome): void {
    tellBuilt(this.#progress, this.#query, outcome);
  }

  failed(error: unknown): void {
    if (this.#untold !== '') this.#progress.send({ stream: this.#untold });
    this.#progress.fail(inClassicWords(error));
  }
}

/** For our own client, which shows steps side by side. */
export class EventAnswer implements BuildAnswer {
  readonly #progress: ProgressStream;
  readonly #query: BuildQuery;
  readonly #events: BuildEvents;

  constructor(progress: ProgressStream, query: BuildQuery) {
    this.#progress = progress;
    this.#query = query;
    this.#events = new BuildEvents(progress);
  }

  planned(_dockerfile: Dockerfile, { notices }: BuildPlan): void {
    this.#events.pulled();
    for (const notice of notices) this.#events.notice(notice);
  }

  pull(line: PullLine): void {
    this.#events.pull(line);
  }

  event(event: BuildEvent): void {
    this.#events.event(event);
  }

  built(outcome: BuildOutcome): void {
    tellBuilt(this.#progress, this.#query, outcome);
  }

  failed(error: unknown): void {
    this.#progress.fail(inClassicWords(error));
  }
}

/** compat: `version=2`: what a Status stream would tell, message by message, and the image under another name. */
export class TraceAnswer implements BuildAnswer {
  readonly #progress: ProgressStream;
  readonly #query: BuildQuery;
  readonly #record: OpenedRecord;
  readonly #told: Promise<void>;

  /** `signal`: the client has gone. */
  constructor(progress: ProgressStream, query: BuildQuery, record: OpenedRecord, signal: AbortSignal) {
    this.#progress = progress;
    this.#query = query;
    this.#record = record;
    this.#told = query.isQuiet ? Promise.resolve() : this.#tell(signal);
  }

  /** The record is told all of this itself, and tells us. */
  planned(): void {}
  pull(): void {}
  event(): void {}

  async built({ images: [image], facts }: BuildOutcome): Promise<void> {
    this.#record.close();
    await this.#told;
    const id = image?.id ?? facts['containerimage.digest'] ?? '';
    if (this.#query.isQuiet) this.#progress.send({ stream: `${id}\n` });
    else {
      this.#progress.send({ id: 'moby.image.id', aux: { ID: id } });
      if (image) tellNames(this.#progress, this.#query);
    }
    this.#progress.end();
  }

  async failed(error: unknown): Promise<void> {
    this.#record.close();
    await this.#told;
    if (this.#query.isQuiet) for (const trace of this.#record.story()) this.#send(trace);
    this.#progress.begin();
    this.#progress.fail(error);
  }

  async #tell(signal: AbortSignal): Promise<void> {
    for await (const trace of this.#record.traces(signal)) {
      this.#send(trace);
      await this.#progress.drained();
    }
  }

  #send(trace: Uint8Array): void {
    this.#progress.send({ id: 'moby.buildkit.trace', aux: Buffer.from(trace).toString('base64') });
  }
}

function tellBuilt(progress: ProgressStream, query: BuildQuery, { images: [image], facts }: BuildOutcome): void {
  const id = image?.id ?? facts['containerimage.digest'] ?? '';
  const hasFacts = query.outputs.length + query.cacheExports.length > 0;
  progress.send({ aux: hasFacts ? { ID: id, Facts: facts } : { ID: id } });
  if (query.isQuiet) progress.send({ stream: id === '' ? '' : `${id}\n` });
  else if (image) {
    progress.send({ stream: `Successfully built ${shortId(image.id)}\n` });
    tellNames(progress, query);
  }
  progress.end();
}

function tellNames(progress: ProgressStream, { names }: BuildQuery): void {
  for (const name of names) progress.send({ stream: `Successfully tagged ${parseTag(name)}\n` });
}

/** compat: the classic builder's sentence for a program that fails; its code is the line's. */
function inClassicWords(error: unknown): unknown {
  if (!(error instanceof SkiffError) || error.code !== 'build.runFailed') return error;
  const code = Number(error.details['exitCode'] ?? 1);
  const program = /^process "(.*)" did not complete/s.exec(error.message)?.[1] ?? '';
  const message = `The command '${program}' returned a non-zero code: ${code}`;
  return new SkiffError(error.kind, error.code, message, { cause: error, details: { code } });
}
