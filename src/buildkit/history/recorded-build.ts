/** A build of the classic door as one of those that are listed: what it tells is kept like what is told over BuildKit's door. */
import { randomBytes } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { BuildEvent, BuildOutcome, LintWarning, PastBuild, PullLine, Step } from '#build';
import { control } from '#specs/buildkit';
import { ProgressOfBuild } from '../progress-of-build.ts';
import { refusal } from '../refusals.ts';
import type { BuildRecords, Recording } from './build-records.ts';

export interface RecordedFacts {
  /** As a front end's are called: `filename`, `target`, `build-arg:NAME`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly exporters: PastBuild['exporters'];
}

/** The Dockerfile as it was planned. */
export interface RecordedPlan {
  readonly text: string;
  readonly warnings: readonly LintWarning[];
  readonly steps: readonly Step[];
}

/** compat: BuildKit's alphabet for names of builds. */
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

export class RecordedBuild {
  /** What it is called in the list. */
  readonly ref: string;
  readonly progress: ProgressOfBuild;
  readonly #recording: Recording;
  readonly #fileName: string;
  #plan: RecordedPlan | undefined;
  #failed: number | undefined;

  constructor(records: BuildRecords, { attributes, exporters }: RecordedFacts) {
    this.ref = newRef();
    this.progress = new ProgressOfBuild(this.ref);
    this.#fileName = attributes['filename'] ?? 'Dockerfile';
    const facts = { ref: this.ref, frontend: 'dockerfile.v0', attributes, exporters };
    this.#recording = records.begin({ ...facts, progress: this.progress });
  }

  planned(plan: RecordedPlan): void {
    this.#plan = plan;
    this.progress.pulled();
    const { text, warnings } = plan;
    const name = `[internal] load build definition from ${this.#fileName}`;
    void this.progress.during(name, async (vertex) => {
      for (const warning of warnings) this.progress.warn(vertex, warning, { name: this.#fileName, text });
    });
  }

  pull(line: PullLine): void {
    this.progress.pulling(line);
  }

  event(event: BuildEvent): void {
    if (event.type === 'failed') this.#failed ??= event.step;
    this.progress.event(event);
  }

  export<Result>(name: string, work: (tell: (what: string) => void) => Promise<Result>): Promise<Result> {
    return this.progress.export(name, work);
  }

  /** Undefined when those who listen keep up. */
  drained(): Promise<void> | undefined {
    return this.progress.drained();
  }

  /** What is told of it from its beginning until it is closed: bytes of BuildKit's StatusResponse. */
  async *traces(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const status of this.progress.listen(signal)) yield encoded(status);
  }

  /** The same of what is true now. */
  story(): Uint8Array[] {
    return this.progress.story().map(encoded);
  }

  /** Nothing more is told. */
  close(): void {
    this.progress.end();
  }

  done({ facts, origins }: BuildOutcome, isList: boolean): void {
    this.progress.end();
    this.#recording.end({ kind: 'done', answer: facts, origins, isList });
  }

  failed(error: unknown): void {
    this.progress.pulled(error);
    this.progress.end();
    const at = this.#failed;
    const vertex = at === undefined ? '' : this.progress.vertexOf(at);
    const range = at === undefined ? undefined : this.#plan?.steps[at]?.source;
    const file = { name: this.#fileName, text: this.#plan?.text ?? '' };
    this.#recording.end({ kind: 'failed', error: refusal(error, { file, vertex, range }) });
  }
}

const encoded = (status: Parameters<typeof create<typeof control.StatusResponseSchema>>[1]): Uint8Array =>
  toBinary(control.StatusResponseSchema, create(control.StatusResponseSchema, status));

function newRef(): string {
  return [...randomBytes(25)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
