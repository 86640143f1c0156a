/** Images: list, inspect, import, remove. */
import type { Readable } from 'node:stream';
import { messageOf } from '#base';
import type { ImageSummary } from '#specs';
import { errors, refusal } from './errors.ts';
import { type Filters, formatFilters } from './filters.ts';
import { readLines } from './json-lines.ts';
import type { Transport } from './transport.ts';

export interface ImportImage {
  /** `name` or `name:tag`; absent leaves the image without a name. */
  readonly reference?: string | undefined;
  readonly message?: string | undefined;
  /** Dockerfile instructions such as `CMD ["sh"]`. */
  readonly changes?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RemovedImage {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
}

export interface Images {
  list(options?: { readonly all?: boolean; readonly filters?: Filters }): Promise<ImageSummary[]>;
  /** The text of the answer to inspect. */
  inspectText(ref: string): Promise<string>;
  /** An image from a tar of a root file system; its id. Fails when the tar's own stream does. */
  import(tar: Readable, options?: ImportImage): Promise<string>;
  remove(ref: string, options?: { readonly force?: boolean; readonly keepParents?: boolean }): Promise<RemovedImage>;
}

export function imagesOf(transport: Transport): Images {
  return {
    list: ({ all, filters } = {}) =>
      transport.json('GET', '/images/json', { query: { all, filters: formatFilters(filters) } }),
    inspectText: (ref) => transport.text('GET', `/images/${escapeReference(ref)}/json`),
    import: async (tar, { reference = '', message, changes, signal } = {}) => {
      // It may fail before it is asked for anything; what it fails with is told below.
      tar.on('error', () => {});
      // A tar can be sent once only, so the daemon has to be there before.
      await transport.status('HEAD', '/_ping');
      if (tar.errored) throw tar.errored;
      const [repo, tag] = splitReference(reference);
      const sending = transport.open('POST', '/images/create', {
        query: { fromSrc: '-', repo: repo || undefined, tag: tag || undefined, message, changes },
        stream: tar,
        contentType: 'application/x-tar',
        signal,
      });
      const response = await sending.catch((error: unknown) => {
        // Not the connection broke, but what was to be sent.
        throw tar.errored ?? error;
      });
      let id = '';
      for await (const line of readLines(response)) id = statusOf(line) || id;
      return id;
    },
    remove: async (ref, { force, keepParents } = {}) => {
      type Answer = readonly { Untagged?: string; Deleted?: string }[];
      const query = { force, noprune: keepParents };
      const answer = await transport.json<Answer>('DELETE', `/images/${escapeReference(ref)}`, { query });
      return {
        untagged: answer.flatMap(({ Untagged }) => Untagged ?? []),
        deleted: answer.flatMap(({ Deleted }) => Deleted ?? []),
      };
    },
  };
}

/** Names may hold slashes, which the route expects as they are. */
const escapeReference = (ref: string): string => ref.split('/').map(encodeURIComponent).join('/');

/** The last colon separates a tag unless a slash follows it, which makes it a registry's port. */
function splitReference(reference: string): [string, string] {
  const at = reference.lastIndexOf(':');
  return at < 0 || reference.includes('/', at) ? [reference, ''] : [reference.slice(0, at), reference.slice(at + 1)];
}

/** compat: a failure after the head of the answer comes as a line with `error`. */
function statusOf(line: string): string {
  let progress: { status?: string; error?: string };
  try {
    progress = JSON.parse(line) as typeof progress;
  } catch (error) {
    throw errors.badAnswer('POST /images/create', messageOf(error));
  }
  if (progress.error !== undefined) throw refusal(500, progress.error);
  return progress.status ?? '';
}
