/**
 * The engine inside a Node process, without a daemon: `await using engine = await openEngine({ folder })`.
 *
 * It is the whole engine with its API on a unix socket that only this process's user may use, so that everything that
 * works with a daemon works here, other clients of the socket included. Linux, root, and Node 26.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { createClient, type SkiffClient } from '#client';
import { configOfFlags, startDaemon } from '#daemon';

export interface EngineOptions {
  /** Where images and containers are kept, for this engine alone; made when it is missing. */
  readonly folder: string;
  /** Of the default network, at most 15 letters, and its own; absent: containers have no network but what they ask for. */
  readonly bridge?: string;
  /** More of skiffd's flags, such as `--registry-mirror=https://mirror.example`. */
  readonly flags?: readonly string[];
}

/** Disposing it stops its containers and lets go of everything; what is kept is in its folder. */
export interface Engine extends SkiffClient, AsyncDisposable {
  /** `unix://…`, for other clients: `DOCKER_HOST`. */
  readonly host: string;
}

/** Throws `daemon.*`: somebody else uses the folder, an option makes no sense, what the host lacks. */
export async function openEngine({ folder, bridge = 'none', flags = [] }: EngineOptions): Promise<Engine> {
  const root = resolve(folder);
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12);
  // The paths of shims' sockets are below it, and have to be short.
  const runFolder = `/run/skiff-engine/${name}`;
  mkdirSync(runFolder, { recursive: true, mode: 0o700 });
  const host = `unix://${runFolder}/api.sock`;
  const config = configOfFlags([
    `--data-root=${root}`,
    `--exec-root=${runFolder}`,
    `--host=${host}`,
    `--group=`,
    `--bridge=${bridge}`,
    `--cgroup-parent=/skiff-${name}`,
    `--log-level=error`,
    ...flags,
  ]);
  const daemon = await startDaemon(config, []);
  const client = createClient({ host });
  return {
    ...client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      try {
        await daemon.shutDown();
      } finally {
        await daemon[Symbol.asyncDispose]();
      }
      // Containers that are to go on have their sockets there.
      if (!daemon.assembly.parts.settings.current.liveRestore) rmSync(runFolder, { recursive: true, force: true });
    },
  };
}
