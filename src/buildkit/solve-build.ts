/** A wish of a client's → an image in the store: what `Control.Solve` does once the client's function has returned. */
import { type Readable, Readable as Streams } from 'node:stream';
import {
  type Builder,
  type ContextFiles,
  dockerfileBuild,
  type LocalContext,
  type LocalStep,
  type Step,
  type StepId,
} from '#build';
import type { ImageRecord, Images } from '#images';
import { parseReference } from '#registry';
import { upload } from '#specs/buildkit';
import type { BuildUnderWay } from './builds.ts';
import { errors } from './errors.ts';
import { credentialsOf, giftsOf } from './gifts.ts';
import { refusal } from './refusals.ts';
import { receiveFolder } from './receive-folder.ts';
import type { Session, Sessions } from './sessions.ts';
import { type BuildWish, readWish } from './wish.ts';

export interface SolveParts {
  readonly builder: Builder;
  readonly images: Images;
  readonly sessions: Sessions;
  /** For sockets of agents; short, for their paths are bounded. */
  readonly runFolder: string;
}

export interface SolveWish {
  readonly build: BuildUnderWay;
  readonly attributes: Readonly<Record<string, string>>;
  readonly entitlements: readonly string[];
  readonly names: readonly string[];
  readonly signal: AbortSignal;
}

const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

/** The image; of several platforms the first. Throws what the builder throws. */
export async function solveBuild(parts: SolveParts, { build, ...asked }: SolveWish): Promise<ImageRecord | undefined> {
  const { signal, names } = asked;
  const { progress } = build;
  const session = await parts.sessions.get(build.sessionId);
  const wish = readWish(asked.attributes, asked.entitlements);
  await using files = new ClientFiles(parts, { session, wish, build, signal });
  const file = { name: wish.dockerfile, text: await files.dockerfile() };
  let steps: readonly Step[] = [];
  let failed: StepId | undefined;
  const [image] = await dockerfileBuild(parts, {
    path: wish.dockerfile,
    text: file.text,
    request: wish.request,
    contexts: files.contexts(),
    names,
    settings: wish.settings,
    gifts: giftsOf(session, parts.runFolder),
    alwaysPulls: wish.alwaysPulls,
    credentialsFor: (reference) => credentialsOf(session, parseReference(reference).host),
    onPlan: (_dockerfile, { warnings, steps: planned }) => {
      steps = planned;
      for (const warning of warnings) progress.warn(files.dockerfileVertex, warning, file);
    },
    onPull: () => {},
    tell: (event) => {
      if (event.type === 'failed') failed ??= event.step;
      progress.event(event);
    },
    signal,
  }).catch((error: unknown) => {
    const vertex = failed === undefined ? '' : progress.vertexOf(failed);
    throw refusal(error, { file, vertex, range: failed === undefined ? undefined : steps[failed]?.source });
  });
  return image;
}

interface ClientFilesWish {
  readonly session: Session;
  readonly wish: BuildWish;
  readonly build: BuildUnderWay;
  readonly signal: AbortSignal;
}

/** Folders of the client's, each asked for when something of it is needed, and kept to the end of the build. */
class ClientFiles implements AsyncDisposable {
  readonly #parts: SolveParts;
  readonly #asked: ClientFilesWish;
  readonly #held = new AsyncDisposableStack();
  readonly #opened = new Map<string, Promise<LocalContext>>();
  dockerfileVertex = '';

  constructor(parts: SolveParts, asked: ClientFilesWish) {
    this.#parts = parts;
    this.#asked = asked;
  }

  /** compat: from its own folder, with the ignore file beside it; of an upload, from within. */
  async dockerfile(): Promise<string> {
    const { wish, build } = this.#asked;
    const path = wish.dockerfile;
    if (wish.uploadId !== '') return text((await this.#upload()).read(path, MAX_DOCKERFILE_BYTES), path);
    const name = `[internal] load build definition from ${path}`;
    return build.progress.during(name, async (vertex) => {
      this.dockerfileVertex = vertex;
      const folder = { name: wish.dockerfileFolder, excludes: [], paths: [path, `${path}.dockerignore`] };
      const files = await this.#receive(`dockerfile`, folder, vertex, 'transferring dockerfile:');
      return text(files.read(path, MAX_DOCKERFILE_BYTES), path);
    });
  }

  contexts(): Map<string, ContextFiles> {
    const { wish } = this.#asked;
    const main = wish.request.mainContext === undefined ? [['context', this.#main()] as const] : [];
    const named = Object.values(wish.request.namedContexts ?? {}).flatMap((value) => {
      const name = /^local:(.+)$/.exec(value)?.[1];
      return name === undefined ? [] : [[name, this.#folder(name)] as const];
    });
    return new Map([...main, ...named]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#opened.values());
    await this.#held.disposeAsync();
  }

  #main(): ContextFiles {
    const { wish } = this.#asked;
    if (wish.uploadId !== '') {
      return {
        read: async (path, limitBytes) => (await this.#upload()).read(path, limitBytes),
        open: () => this.#upload(),
      };
    }
    const files = this.#folder(wish.contextFolder);
    return {
      // The Dockerfile's own ignore file lies beside it.
      read: async (path, limitBytes) =>
        path === `${wish.dockerfile}.dockerignore`
          ? (await this.#opened.get('dockerfile'))?.read(path, limitBytes)
          : files.read(path, limitBytes),
      open: files.open,
    };
  }

  #folder(name: string): ContextFiles {
    const { progress } = this.#asked.build;
    return {
      read: (path, limitBytes) =>
        progress.during('[internal] load .dockerignore', async (vertex) => {
          const folder = { name, excludes: [], paths: [path] };
          const files = await this.#receive(`${name} ${path}`, folder, vertex, 'transferring context:');
          return files.read(path, limitBytes);
        }),
      open: ({ excludes, paths }: LocalStep) =>
        progress.during('[internal] load build context', (vertex) =>
          this.#receive(
            `${name} ${JSON.stringify([excludes, paths])}`,
            { name, excludes, paths },
            vertex,
            'transferring context:',
          ),
        ),
    };
  }

  #receive(
    key: string,
    folder: Parameters<typeof receiveFolder>[1],
    vertex: string,
    what: string,
  ): Promise<LocalContext> {
    const { session, build, signal } = this.#asked;
    let total = 0;
    const archive = Streams.from(
      receiveFolder(session, folder, signal, (bytes) => {
        total = bytes;
        build.progress.status(vertex, what, { current: bytes });
      }),
      { objectMode: false },
    );
    return this.#keep(key, archive, () => build.progress.status(vertex, what, { current: total, isDone: true }));
  }

  #upload(): Promise<LocalContext> {
    const { session, wish, signal } = this.#asked;
    if (!session.offers('/moby.upload.v1.Upload/Pull')) throw errors.noFiles('upload');
    const received = async function* (): AsyncGenerator<Uint8Array> {
      using stream = session.client.open(upload.Upload.method.pull, {
        metadata: { urlpath: `/${wish.uploadId}`, urlhost: 'buildkit-session' },
        signal,
      });
      stream.close();
      for await (const { data } of stream.answers) yield data;
    };
    return this.#keep('upload', Streams.from(received(), { objectMode: false }), () => {});
  }

  #keep(key: string, archive: Readable, done: () => void): Promise<LocalContext> {
    return this.#opened.getOrInsertComputed(key, async () => {
      const files = this.#held.use(await this.#parts.builder.receive(archive, this.#asked.signal));
      done();
      return files;
    });
  }
}

async function text(content: Promise<Buffer | undefined>, path: string): Promise<string> {
  const bytes = await content;
  if (!bytes) throw errors.clientFailed('failed to read dockerfile', `open ${path}: no such file or directory`);
  return bytes.toString('utf8');
}
