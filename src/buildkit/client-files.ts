/** Folders and uploads of a build's client, as the contexts of its Dockerfile. */
import { Readable as Streams } from 'node:stream';
import type { Builder, ContextFiles, LocalContext, LocalStep, RemoteContext } from '#build';
import { upload } from '#specs/buildkit';
import { errors } from './errors.ts';
import type { ProgressOfBuild } from './progress-of-build.ts';
import { type FolderWish, receiveFolder } from './receive-folder.ts';
import type { Session } from './sessions.ts';
import type { BuildWish } from './wish.ts';

const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

export interface ClientFilesParts {
  readonly builder: Builder;
  readonly session: Session;
  readonly wish: BuildWish;
  readonly progress: ProgressOfBuild;
  readonly signal: AbortSignal;
}

/** Folders of the client's, each asked for when something of it is needed, and kept to the end of the build. */
export class ClientFiles implements AsyncDisposable {
  readonly #parts: ClientFilesParts;
  readonly #held = new AsyncDisposableStack();
  readonly #opened = new Map<string, Promise<LocalContext>>();
  /** Where its warnings belong. */
  dockerfileVertex = '';

  constructor(parts: ClientFilesParts) {
    this.#parts = parts;
  }

  /** Keeps something as long as the files. */
  hold(other: AsyncDisposable): void {
    this.#held.use(other);
  }

  /** compat: from its own folder, with the ignore file beside it; of an upload or a remote context, from within. */
  async dockerfile(remote: RemoteContext | undefined): Promise<string> {
    const { wish, progress } = this.#parts;
    const path = wish.dockerfile;
    if (remote && !wish.hasOwnDockerfile) return text(remote.read(path, MAX_DOCKERFILE_BYTES), path);
    if (wish.uploadId !== '') return text((await this.#upload()).read(path, MAX_DOCKERFILE_BYTES), path);
    const name = `[internal] load build definition from ${path}`;
    return progress.during(name, async (vertex) => {
      this.dockerfileVertex = vertex;
      const folder = { name: wish.dockerfileFolder, excludes: [], paths: [path, `${path}.dockerignore`] };
      const files = await this.#receive('dockerfile', folder, vertex, 'transferring dockerfile:');
      return text(files.read(path, MAX_DOCKERFILE_BYTES), path);
    });
  }

  contexts(): Map<string, ContextFiles> {
    const { wish } = this.#parts;
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
    const { wish } = this.#parts;
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
    const { progress } = this.#parts;
    return {
      read: (path, limitBytes) =>
        progress.during('[internal] load .dockerignore', async (vertex) => {
          const folder = { name, excludes: [], paths: [path] };
          const files = await this.#receive(`${name} ${path}`, folder, vertex, 'transferring context:');
          return files.read(path, limitBytes);
        }),
      open: ({ excludes, paths }: LocalStep, step) => {
        progress.event({ type: 'started', step });
        const key = `${name} ${JSON.stringify([excludes, paths])}`;
        return this.#receive(key, { name, excludes, paths }, progress.vertexOf(step), 'transferring context:');
      },
    };
  }

  #receive(key: string, wish: FolderWish, vertex: string, what: string): Promise<LocalContext> {
    const { builder, session, progress, signal } = this.#parts;
    let total = 0;
    return this.#keep(key, async () => {
      const folder = await receiveFolder(session, wish, signal, (bytes) => {
        total = bytes;
        progress.status(vertex, what, { current: bytes });
      });
      const files = await builder.openFolder(folder, `${session.sharedKey}\n${wish.name}`, signal);
      progress.status(vertex, what, { current: total, isDone: true });
      return files;
    });
  }

  #upload(): Promise<LocalContext> {
    const { session, wish, signal } = this.#parts;
    if (!session.offers('/moby.upload.v1.Upload/Pull')) throw errors.noFiles('upload');
    const received = async function* (): AsyncGenerator<Uint8Array> {
      using stream = session.client.open(upload.Upload.method.pull, {
        metadata: { urlpath: `/${wish.uploadId}`, urlhost: 'buildkit-session' },
        signal,
      });
      stream.close();
      for await (const { data } of stream.answers) yield data;
    };
    return this.#keep('upload', () =>
      this.#parts.builder.receive(Streams.from(received(), { objectMode: false }), this.#parts.signal),
    );
  }

  #keep(key: string, open: () => Promise<LocalContext>): Promise<LocalContext> {
    return this.#opened.getOrInsertComputed(key, async () => this.#held.use(await open()));
  }
}

async function text(content: Promise<Buffer | undefined>, path: string): Promise<string> {
  const bytes = await content;
  if (!bytes) throw errors.clientFailed('failed to read dockerfile', `open ${path}: no such file or directory`);
  return bytes.toString('utf8');
}
