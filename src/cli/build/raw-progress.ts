/**
 * What a build tells, as `docker buildx build --progress=rawjson` writes it: a JSON object per line with vertexes, statuses
 * and logs. spec: client.SolveStatus of BuildKit's client.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { BuildStreamEvent } from '#specs';

interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly inputs?: readonly string[];
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  readonly error?: string;
}

export class RawProgress {
  readonly #write: (line: string) => void;
  readonly #now: () => string;
  readonly #build: string;
  readonly #vertexes = new Map<string, Vertex>();

  constructor(
    write: (line: string) => void,
    now = (): string => new Date().toISOString(),
    build: string = randomUUID(),
  ) {
    this.#write = write;
    this.#now = now;
    this.#build = build;
  }

  event(event: BuildStreamEvent): void {
    switch (event.type) {
      case 'planned':
        for (const { id, name, inputs } of event.steps) {
          this.#tell(`step ${id}`, name, { inputs: inputs.map((input) => this.#digest(`step ${input}`)) });
        }
        return;
      case 'started':
        this.#tell(`step ${event.step}`, '', { started: this.#now() });
        return;
      case 'cached':
        this.#tell(`step ${event.step}`, '', { started: this.#now(), completed: this.#now(), cached: true });
        return;
      case 'done':
        if (this.#vertexes.get(`step ${event.step}`)?.completed === undefined) {
          this.#tell(`step ${event.step}`, '', { completed: this.#now() });
        }
        return;
      case 'failed':
        this.#tell(`step ${event.step}`, '', { completed: this.#now(), error: event.message });
        return;
      case 'log':
        this.#line({
          logs: [
            {
              vertex: this.#digest(`step ${event.step}`),
              stream: event.stream,
              data: event.data,
              timestamp: this.#now(),
            },
          ],
        });
        return;
      case 'status':
        this.#status(`step ${event.step}`, event.id, event);
        return;
      case 'pull': {
        const key = `pull ${event.reference}`;
        if (!this.#vertexes.has(key)) {
          this.#tell(key, `[internal] load metadata for ${event.reference}`, { started: this.#now() });
        }
        if (event.id !== undefined) this.#status(key, event.id, event);
        return;
      }
      case 'pulled':
        for (const key of this.#vertexes.keys()) {
          if (key.startsWith('pull ')) this.#tell(key, '', { completed: this.#now() });
        }
        return;
      case 'notice':
        this.#line({ warnings: [{ level: 1, short: Buffer.from(event.text).toString('base64') }] });
    }
  }

  #tell(key: string, name: string, more: Partial<Vertex>): void {
    const vertex = { digest: this.#digest(key), name, ...this.#vertexes.get(key), ...more };
    this.#vertexes.set(key, vertex);
    this.#line({ vertexes: [vertex] });
  }

  #status(
    key: string,
    id: string,
    { status, current, total }: { readonly status: string; readonly current?: number; readonly total?: number },
  ): void {
    const timestamp = this.#now();
    const facts = { id, vertex: this.#digest(key), name: status, current: current ?? 0, total: total ?? 0, timestamp };
    this.#line({ statuses: [facts] });
  }

  #line(status: object): void {
    this.#write(JSON.stringify(status));
  }

  #digest(key: string): string {
    return `sha256:${createHash('sha256').update(`${this.#build} ${key}`).digest('hex')}`;
  }
}
