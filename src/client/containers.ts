/** Containers: every route under /containers. References are ids, unique prefixes of ids, or names. */
import type { Readable } from 'node:stream';
import { messageOf } from '#base';
import type { ContainerCreateBody, ContainerInspect, ContainerStats, ContainerSummary, UpdateBody } from '#specs';
import { errors, isRefusal } from './errors.ts';
import { type Filters, formatFilters } from './filters.ts';
import type { HijackedStream } from './hijacked-stream.ts';
import { OutputStream } from './output-stream.ts';
import { sendStream } from './send-stream.ts';
import type { Answer, Transport } from './transport.ts';

export interface ListContainers {
  /** Also those that do not run. */
  readonly all?: boolean | undefined;
  /** The newest so many, whatever their state. */
  readonly limit?: number | undefined;
  readonly filters?: Filters | undefined;
  /** With what each takes on the disk. */
  readonly size?: boolean | undefined;
}

export interface StopContainer {
  readonly signal?: string | undefined;
  /** Until SIGKILL; negative waits for ever; absent: what the container says. */
  readonly timeoutSeconds?: number | undefined;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface ContainerExit {
  readonly code: number;
  /** Why waiting failed; empty when it did not. */
  readonly error: string;
}

export interface AttachContainer {
  readonly stdin?: boolean | undefined;
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  /** With which a terminal's client goes away; empty: the default. */
  readonly detachKeys?: string | undefined;
  /** Replays what was logged before. */
  readonly logs?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadLogs {
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  readonly follow?: boolean | undefined;
  readonly timestamps?: boolean | undefined;
  readonly details?: boolean | undefined;
  /** A number of lines, or `all`. */
  readonly tail?: string | undefined;
  /** Unix seconds with a fraction. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TopAnswer {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Go's fs.FileMode. */
  readonly mode: number;
  readonly mtime: string;
  /** Of a symlink: where it ends up, from the container's root; else empty. */
  readonly linkTarget: string;
}

export interface CopyTo {
  /** Everything belongs to the container's user. */
  readonly ownedByUser?: boolean | undefined;
  /** Refuse to replace a folder by something else, and the other way round. */
  readonly sameKind?: boolean | undefined;
}

/** Kind: 0 changed, 1 added, 2 deleted. */
export interface FileChangeItem {
  readonly Kind: number;
  readonly Path: string;
}

export interface Containers {
  list(options?: ListContainers): Promise<ContainerSummary[]>;
  create(
    body: ContainerCreateBody,
    name?: string,
    options?: { readonly platform?: string | undefined },
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  inspect(ref: string): Promise<ContainerInspect>;
  /** The text of the answer to inspect, for who shows it as it is. */
  inspectText(ref: string, options?: { readonly size?: boolean }): Promise<string>;
  /** One look at what it uses, at once. */
  stats(ref: string): Promise<ContainerStats>;
  /** Removes those that do not run. */
  prune(filters?: Filters): Promise<{ readonly deleted: readonly string[]; readonly freedBytes: number }>;
  /** False when it was running already. */
  start(ref: string): Promise<boolean>;
  /** False when it was stopped already. */
  stop(ref: string, options?: StopContainer): Promise<boolean>;
  restart(ref: string, options?: StopContainer): Promise<void>;
  kill(ref: string, signal?: string): Promise<void>;
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  update(ref: string, changes: UpdateBody): Promise<readonly string[]>;
  /** With `link` the link that is named `container/alias`, and no container. */
  remove(
    ref: string,
    options?: { readonly force?: boolean; readonly volumes?: boolean; readonly link?: boolean },
  ): Promise<void>;
  /** Waits for the end. */
  wait(ref: string, condition?: WaitCondition, signal?: AbortSignal): Promise<ContainerExit>;
  /** Resolves as soon as the daemon watches, so that no end is missed after it; the end is in `exit`. */
  watchExit(
    ref: string,
    condition: WaitCondition,
    signal?: AbortSignal,
  ): Promise<{ readonly exit: Promise<ContainerExit> }>;
  attach(ref: string, options: AttachContainer): Promise<HijackedStream>;
  resize(ref: string, rows: number, columns: number): Promise<void>;
  logs(ref: string, options?: ReadLogs): Promise<OutputStream>;
  top(ref: string, psArguments?: string): Promise<TopAnswer>;
  /** What it has changed in its image's file system. */
  changes(ref: string): Promise<readonly FileChangeItem[]>;
  /** What is at a path; a symlink as its last name is not followed. */
  statPath(ref: string, path: string): Promise<PathStat>;
  /** A path with all below it, as a tar whose first name is the path's last. */
  copyFrom(ref: string, path: string): Promise<{ readonly stat: PathStat; readonly stream: Answer }>;
  /** Unpacks a tar into a folder of the container. */
  copyTo(ref: string, path: string, tar: Readable, options?: CopyTo): Promise<void>;
  /** Its whole file system as a tar, as it comes. */
  export(ref: string): Promise<Answer>;
  /** Skiff only: the kernel operations that start this container, as text. */
  plan(ref: string): Promise<string>;
}

export function containersOf(transport: Transport): Containers {
  const post = async (ref: string, verb: string, query: Record<string, string | number | undefined> = {}) =>
    transport.status('POST', at(ref, verb), { query });

  const watchExit: Containers['watchExit'] = async (ref, condition, signal) => {
    const response = await transport.open('POST', at(ref, 'wait'), { query: { condition }, signal });
    const exit = readExit(response);
    // Who stops caring about the end does not have to hear that the connection was cut.
    exit.catch(() => {});
    return { exit };
  };

  return {
    list: ({ all, limit, filters, size } = {}) =>
      transport.json('GET', '/containers/json', { query: { all, limit, size, filters: formatFilters(filters) } }),
    create: async (body, name, { platform } = {}) => {
      type Answer = { Id: string; Warnings?: string[] | null };
      const call = { query: { name, platform }, body };
      const { Id, Warnings } = await transport.json<Answer>('POST', '/containers/create', call);
      return { id: Id, warnings: Warnings ?? [] };
    },
    inspect: (ref) => transport.json('GET', at(ref, 'json')),
    inspectText: (ref, { size } = {}) => transport.text('GET', at(ref, 'json'), { query: { size } }),
    stats: (ref) => transport.json('GET', at(ref, 'stats'), { query: { stream: '0', 'one-shot': true } }),
    prune: async (filters) => {
      type Answer = { ContainersDeleted: string[] | null; SpaceReclaimed: number };
      const query = { filters: formatFilters(filters) };
      const answer = await transport.json<Answer>('POST', '/containers/prune', { query });
      return { deleted: answer.ContainersDeleted ?? [], freedBytes: answer.SpaceReclaimed };
    },
    start: async (ref) => (await post(ref, 'start')) !== 304,
    stop: async (ref, options) => (await post(ref, 'stop', stopQuery(options))) !== 304,
    restart: async (ref, options) => void (await post(ref, 'restart', stopQuery(options))),
    kill: async (ref, signal) => void (await post(ref, 'kill', { signal })),
    pause: async (ref) => void (await post(ref, 'pause')),
    unpause: async (ref) => void (await post(ref, 'unpause')),
    rename: async (ref, name) => void (await post(ref, 'rename', { name })),
    update: async (ref, changes) => {
      type Answer = { Warnings?: string[] | null };
      return (await transport.json<Answer>('POST', at(ref, 'update'), { body: changes })).Warnings ?? [];
    },
    remove: async (ref, { force, volumes, link } = {}) => {
      const path = ref.replace(/^\/+/, '').split('/').map(encodeURIComponent).join('/');
      await transport.status('DELETE', `/containers/${path}`, { query: { force, v: volumes, link } });
    },
    wait: async (ref, condition = 'not-running', signal) => (await watchExit(ref, condition, signal)).exit,
    watchExit,
    attach: (ref, { signal, detachKeys, ...streams }) =>
      transport.hijack(at(ref, 'attach'), {
        query: { stream: true, ...streams, detachKeys: detachKeys || undefined },
        signal,
      }),
    resize: async (ref, rows, columns) => void (await post(ref, 'resize', { h: rows, w: columns })),
    logs: async (ref, { signal, ...query } = {}) => {
      const response = await transport.open('GET', at(ref, 'logs'), { query, signal });
      return new OutputStream(response, response.headers['content-type'] !== 'application/vnd.docker.raw-stream');
    },
    top: async (ref, psArguments) => {
      type Answer = { Titles: string[]; Processes: string[][] | null };
      const query = { ps_args: psArguments };
      const { Titles, Processes } = await transport.json<Answer>('GET', at(ref, 'top'), { query });
      return { titles: Titles, processes: Processes ?? [] };
    },
    changes: async (ref) => (await transport.json<FileChangeItem[] | null>('GET', at(ref, 'changes'))) ?? [],
    statPath: async (ref, path) => {
      const query = { path };
      const response = await transport.open('HEAD', at(ref, 'archive'), { query }).catch(async (error: unknown) => {
        if (!isRefusal(error)) throw error;
        // An answer to HEAD has no body that would say why.
        (await transport.open('GET', at(ref, 'archive'), { query })).destroy();
        throw error;
      });
      response.resume();
      return readStat(response);
    },
    copyFrom: async (ref, path) => {
      const stream = await transport.open('GET', at(ref, 'archive'), { query: { path } });
      return { stat: readStat(stream), stream };
    },
    copyTo: async (ref, path, tar, { ownedByUser, sameKind } = {}) => {
      const query = { path, noOverwriteDirNonDir: sameKind, copyUIDGID: ownedByUser };
      const call = { query, stream: tar, contentType: 'application/x-tar' };
      (await sendStream(transport, 'PUT', at(ref, 'archive'), call)).resume();
    },
    export: (ref) => transport.open('GET', at(ref, 'export')),
    plan: (ref) => transport.text('GET', at(ref, 'skiff/plan')),
  };
}

function readStat({ headers }: Answer): PathStat {
  const text = Buffer.from(String(headers['x-docker-container-path-stat'] ?? ''), 'base64').toString('utf8');
  try {
    return JSON.parse(text) as PathStat;
  } catch (error) {
    throw errors.badAnswer('the archive API', messageOf(error));
  }
}

const at = (ref: string, verb: string): string => `/containers/${encodeURIComponent(ref)}/${verb}`;

const stopQuery = ({ signal, timeoutSeconds }: StopContainer = {}) => ({ signal, t: timeoutSeconds });

async function readExit(response: AsyncIterable<Buffer>): Promise<ContainerExit> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
    StatusCode: number;
    Error?: { Message?: string } | null;
  };
  return { code: answer.StatusCode, error: answer.Error?.Message ?? '' };
}
