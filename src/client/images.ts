/** Images: every route under /images, and what long operations tell on the way. */
import type { Readable } from 'node:stream';
import type { DiskUsageAnswer, FsckAnswer, HistoryItem, ImageSummary } from '#specs';
import { readDiskUsage } from './disk-usage.ts';
import { type Filters, formatFilters } from './filters.ts';
import { listenTo, type ProgressListener } from './progress-lines.ts';
import { sendStream } from './send-stream.ts';
import type { Answer, Call, Transport } from './transport.ts';

export interface ImportImage {
  /** `name` or `name:tag`; absent leaves the image without a name. */
  readonly reference?: string | undefined;
  readonly message?: string | undefined;
  /** Dockerfile instructions such as `CMD ["sh"]`. */
  readonly changes?: readonly string[] | undefined;
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TransferImage {
  readonly platform?: string | undefined;
  /** The value of X-Registry-Auth. */
  readonly auth?: string | undefined;
  readonly allTags?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CommitContainer {
  readonly reference?: string | undefined;
  readonly comment?: string | undefined;
  readonly author?: string | undefined;
  readonly changes?: readonly string[] | undefined;
  readonly pause?: boolean | undefined;
}

export interface ListImages {
  readonly all?: boolean;
  readonly sharedSize?: boolean;
  readonly filters?: Filters;
}

export interface RemovedImage {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
}

export interface Images {
  list(options?: ListImages): Promise<ImageSummary[]>;
  /** The text of the answer to inspect. */
  inspectText(ref: string, options?: { readonly platform?: string | undefined }): Promise<string>;
  history(ref: string, options?: { readonly platform?: string | undefined }): Promise<HistoryItem[]>;
  tag(ref: string, target: string): Promise<void>;
  /** An image from a tar of a root file system; its id. Fails when the tar's own stream does. */
  import(tar: Readable, options?: ImportImage): Promise<string>;
  /** The same from a URL, which the daemon reads. */
  importFrom(url: string, options?: ImportImage): Promise<string>;
  pull(ref: string, options: TransferImage, listen: ProgressListener): Promise<void>;
  push(ref: string, options: TransferImage, listen: ProgressListener): Promise<void>;
  load(
    archive: Readable,
    options: TransferImage & { readonly quiet?: boolean },
    listen: ProgressListener,
  ): Promise<void>;
  /** An archive as it comes. */
  save(refs: readonly string[], options?: TransferImage): Promise<Answer>;
  commit(container: string, options?: CommitContainer): Promise<string>;
  remove(ref: string, options?: { readonly force?: boolean; readonly keepParents?: boolean }): Promise<RemovedImage>;
  prune(filters: Filters): Promise<RemovedImage & { readonly freedBytes: number }>;
  usage(options?: { readonly types?: readonly string[]; readonly verbose?: boolean }): Promise<DiskUsageAnswer>;
  /** Compares records with the disk. Skiff only. */
  check(options: {
    readonly repair: boolean;
    readonly deep: boolean;
    readonly signal?: AbortSignal;
  }): Promise<FsckAnswer>;
}

export function imagesOf(transport: Transport): Images {
  const create = async (query: NonNullable<Call['query']>, call: Call): Promise<string> => {
    let id = '';
    const response = await sendStream(transport, 'POST', '/images/create', { ...call, query });
    await listenTo('/images/create', response, ({ status }) => (id = status ?? id));
    return id;
  };
  return {
    list: ({ all, sharedSize, filters } = {}) =>
      transport.json('GET', '/images/json', {
        query: { all, 'shared-size': sharedSize, filters: formatFilters(filters) },
      }),
    inspectText: (ref, { platform } = {}) =>
      transport.text('GET', `/images/${escapeReference(ref)}/json`, { query: { platform: platformJson(platform) } }),
    history: (ref, { platform } = {}) =>
      transport.json('GET', `/images/${escapeReference(ref)}/history`, { query: { platform: platformJson(platform) } }),
    tag: async (ref, target) => {
      const [repo, tag] = splitReference(target);
      await transport.status('POST', `/images/${escapeReference(ref)}/tag`, { query: { repo, tag: tag || undefined } });
    },
    import: (tar, options = {}) =>
      create({ fromSrc: '-', ...importQuery(options) }, { stream: tar, signal: options.signal }),
    importFrom: (url, options = {}) => create({ fromSrc: url, ...importQuery(options) }, { signal: options.signal }),
    pull: async (ref, { platform, auth, allTags, signal }, listen) => {
      const [fromImage, tag] = splitReference(ref);
      const query = {
        fromImage,
        tag: allTags ? undefined : tag || (ref.includes('@') ? undefined : 'latest'),
        platform,
      };
      const response = await transport.open('POST', '/images/create', { query, headers: authHeader(auth), signal });
      await listenTo('/images/create', response, listen);
    },
    push: async (ref, { platform, auth, allTags, signal }, listen) => {
      const [name, tag] = splitReference(ref);
      const query = { tag: allTags ? undefined : tag || 'latest', platform: platformJson(platform) };
      const path = `/images/${escapeReference(name)}/push`;
      await listenTo(path, await transport.open('POST', path, { query, headers: authHeader(auth), signal }), listen);
    },
    load: async (archive, { platform, quiet, signal }, listen) => {
      const query = { quiet: quiet ? '1' : '0', platform: platformJson(platform) };
      const response = await sendStream(transport, 'POST', '/images/load', { query, stream: archive, signal });
      await listenTo('/images/load', response, listen);
    },
    save: (refs, { platform, signal } = {}) =>
      transport.open('GET', '/images/get', { query: { names: refs, platform: platformJson(platform) }, signal }),
    commit: async (container, { reference = '', comment, author, changes, pause } = {}) => {
      const [repo, tag] = splitReference(reference);
      const query = {
        container,
        repo: repo || undefined,
        tag: tag || undefined,
        comment,
        author,
        changes,
        pause: pause === undefined ? undefined : pause ? '1' : '0',
      };
      const { Id } = await transport.json<{ Id: string }>('POST', '/commit', { query, body: {} });
      return Id;
    },
    remove: async (ref, { force, keepParents } = {}) => {
      const query = { force, noprune: keepParents };
      return removed(await transport.json<Removals>('DELETE', `/images/${escapeReference(ref)}`, { query }));
    },
    prune: async (filters) => {
      type Answer = { ImagesDeleted: Removals | null; SpaceReclaimed: number };
      const query = { filters: formatFilters(filters) };
      const { ImagesDeleted, SpaceReclaimed } = await transport.json<Answer>('POST', '/images/prune', { query });
      return { ...removed(ImagesDeleted ?? []), freedBytes: SpaceReclaimed };
    },
    usage: async ({ types = [], verbose = false } = {}) => {
      const query = { type: types, ...(verbose ? { verbose } : {}) };
      return readDiskUsage(await transport.json('GET', '/system/df', { query }));
    },
    check: ({ repair, deep, signal }) => transport.json('POST', '/skiff/fsck', { query: { repair, deep }, signal }),
  };
}

type Removals = readonly { Untagged?: string; Deleted?: string }[];

function removed(answer: Removals): RemovedImage {
  return {
    untagged: answer.flatMap(({ Untagged }) => Untagged ?? []),
    deleted: answer.flatMap(({ Deleted }) => Deleted ?? []),
  };
}

function importQuery({ reference = '', message, changes, platform }: ImportImage): NonNullable<Call['query']> {
  const [repo, tag] = splitReference(reference);
  return { repo: repo || undefined, tag: tag || undefined, message, changes, platform };
}

/** compat: a failure after the head of the answer comes as a line with `error`. */
const authHeader = (auth: string | undefined): Record<string, string> =>
  auth === undefined ? {} : { 'X-Registry-Auth': auth };

/** compat: newer routes take the JSON of a platform. */
function platformJson(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const [os = '', architecture, variant] = text.split('/');
  return architecture === undefined ? text : JSON.stringify({ os, architecture, ...(variant ? { variant } : {}) });
}

/** Names may hold slashes, which the route expects as they are. */
const escapeReference = (ref: string): string => ref.split('/').map(encodeURIComponent).join('/');

/** The last colon separates a tag unless a slash follows it, which makes it a registry's port; a digest stays. */
function splitReference(reference: string): [string, string] {
  const at = reference.lastIndexOf(':');
  if (at < 0 || reference.includes('@') || reference.includes('/', at)) return [reference, ''];
  return [reference.slice(0, at), reference.slice(at + 1)];
}
