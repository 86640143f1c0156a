/** Building images with the classic request, and the build cache. */
import type { Duplex, Readable } from 'node:stream';
import type { BuildCacheRow, DiskUsageAnswer } from '#specs';
import { readDiskUsage } from './disk-usage.ts';
import { type Filters, formatFilters } from './filters.ts';
import type { HijackedStream } from './hijacked-stream.ts';
import { listenTo, type ProgressListener } from './progress-lines.ts';
import { sendStream } from './send-stream.ts';
import type { Query, Transport } from './transport.ts';

export interface BuildImage {
  /** A tar, plain or compressed; absent when `remote` says where the files are. */
  readonly context?: Readable | undefined;
  /** As the API has it. */
  readonly query: Query;
  /** The value of X-Registry-Config. */
  readonly registryConfig?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PruneBuilds {
  readonly all: boolean;
  readonly filters: Filters;
  readonly reservedBytes?: number | undefined;
  readonly mostBytes?: number | undefined;
  readonly freeBytes?: number | undefined;
}

/** What a client offers to a build over a connection of its own. */
export interface SessionServices {
  readonly id: string;
  /** Full paths of the methods. */
  readonly methods: readonly string[];
  accept(connection: Duplex): void;
}

/** What came of a build. */
export interface BuiltImage {
  /** Of the image in the store; '' when none is there. */
  readonly id: string;
  /** `containerimage.digest` and the like, where the build had outputs. */
  readonly facts: Readonly<Record<string, string>>;
}

export interface Builds {
  /** Offers services to builds that name their id, until disposed. */
  session(services: SessionServices): Promise<Disposable>;
  /** Lines come as the daemon writes them. */
  build(request: BuildImage, listen: ProgressListener): Promise<BuiltImage>;
  /** What failed last, and a terminal in the state before it. */
  readonly debug: BuildDebug;
  /** Rows of the cache. */
  list(): Promise<readonly BuildCacheRow[]>;
  prune(request: PruneBuilds): Promise<{ readonly deleted: readonly string[]; readonly freedBytes: number }>;
}

export interface BuildDebug {
  /** The name of the step. Throws `not-found` when none is kept. */
  failed(): Promise<string>;
  /** `session` is a name of the caller's own: hex digits, 12 or more. */
  open(
    session: string,
    size: { readonly rows: number; readonly columns: number; readonly term: string },
  ): Promise<HijackedStream>;
  resize(session: string, rows: number, columns: number): Promise<void>;
  /** Undefined while it runs. */
  exitCode(session: string): Promise<number | undefined>;
}

function debugOf(transport: Transport): BuildDebug {
  return {
    failed: async () => (await transport.json<{ Name: string }>('GET', '/build/debug')).Name,
    open: (session, { rows, columns, term }) =>
      transport.hijack('/build/debug', { query: { session, h: rows, w: columns, term } }),
    resize: async (session, rows, columns) => {
      await transport.status('POST', `/build/debug/${session}/resize`, { query: { h: rows, w: columns } });
    },
    exitCode: async (session) =>
      (await transport.json<{ ExitCode: number | null }>('GET', `/build/debug/${session}`)).ExitCode ?? undefined,
  };
}

export function buildsOf(transport: Transport): Builds {
  return {
    session: async ({ id, methods, accept }) => {
      const headers = { 'X-Docker-Expose-Session-Uuid': id, 'X-Docker-Expose-Session-Grpc-Method': methods };
      const connection = await transport.upgrade('/session', 'h2c', { headers });
      accept(connection);
      return { [Symbol.dispose]: () => void connection.destroy() };
    },
    build: async ({ context, query, registryConfig, signal }, listen) => {
      const headers = registryConfig === undefined ? {} : { 'X-Registry-Config': registryConfig };
      const call = { query, headers, signal, ...(context ? { stream: context } : {}) };
      let built: BuiltImage = { id: '', facts: {} };
      const response = await sendStream(transport, 'POST', '/build', call);
      await listenTo('/build', response, (message) => {
        const { ID, Facts } = (message.aux ?? {}) as { readonly ID?: string; readonly Facts?: BuiltImage['facts'] };
        if (ID !== undefined) built = { id: ID, facts: Facts ?? {} };
        listen(message);
      });
      return built;
    },
    debug: debugOf(transport),
    list: async () => {
      const query = { type: 'build-cache', verbose: true };
      const answer = await transport.json<DiskUsageAnswer>('GET', '/system/df', { query });
      return readDiskUsage(answer).BuildCacheUsage?.Items ?? [];
    },
    prune: async ({ all, filters, reservedBytes, mostBytes, freeBytes }) => {
      const query = {
        all,
        filters: formatFilters(filters),
        'reserved-space': reservedBytes,
        'max-used-space': mostBytes,
        'min-free-space': freeBytes,
      };
      const { CachesDeleted, SpaceReclaimed } = await transport.json<{
        readonly CachesDeleted: readonly string[] | null;
        readonly SpaceReclaimed: number;
      }>('POST', '/build/prune', { query });
      return { deleted: CachesDeleted ?? [], freedBytes: SpaceReclaimed };
    },
  };
}
