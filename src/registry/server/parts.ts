/** What the routes share: the parts of a registry, its settings, and the addresses it gives out. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Log } from '#base';
import type { Incoming, RequestContext } from '#rpc';
import type { Collector } from './collector.ts';
import { errors } from './errors.ts';
import type { PullThrough } from './pull-through.ts';
import type { Repositories } from './repositories.ts';
import type { RegistryContent } from './storage.ts';
import type { Uploads } from './uploads.ts';

export interface RegistrySettings {
  readonly allowDelete: boolean;
  readonly readOnly: boolean;
  /** Which manifests may refer to what is not there: none, indexes, or images too. */
  readonly sparse: 'none' | 'indexes' | 'all';
  /** Before `/v2/`, without a slash at its end; empty: nothing. */
  readonly prefix: string;
  /**
   * What addresses begin with: nothing (`relative`), what the client used (`request`), or this URL.
   */
  readonly addresses: { readonly kind: 'relative' | 'request' } | { readonly kind: 'url'; readonly url: string };
  /** Signs the addresses of uploads, so that none can be made up; empty: they are not signed. */
  readonly secret: string;
  /** Of every answer. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** A line in the log for each request. */
  readonly accessLog: boolean;
}

export const defaultRegistrySettings: RegistrySettings = {
  allowDelete: true,
  readOnly: false,
  sparse: 'none',
  prefix: '',
  addresses: { kind: 'relative' },
  secret: '',
  headers: {},
  accessLog: true,
};

export interface RegistryParts {
  readonly settings: RegistrySettings;
  readonly content: RegistryContent;
  readonly repositories: Repositories;
  readonly uploads: Uploads;
  readonly collector: Collector;
  /** Where this is a cache of another registry. */
  readonly upstream: PullThrough | undefined;
  readonly log: Log;
}

/** The address of something below `/v2/`. */
export function addressOf({ settings }: RegistryParts, { request }: RequestContext, path: string): string {
  const { addresses, prefix } = settings;
  const base = addresses.kind === 'url' ? addresses.url : addresses.kind === 'request' ? originOf(request) : '';
  return `${base}${prefix}${path}`;
}

/** The address of an upload, signed where there is a secret. */
export function uploadAddress(parts: RegistryParts, context: RequestContext, name: string, id: string): string {
  const { secret } = parts.settings;
  const state = secret === '' ? '' : `?_state=${signatureOf(secret, name, id)}`;
  return `${addressOf(parts, context, `/v2/${name}/blobs/uploads/${id}`)}${state}`;
}

/** Throws `distribution.uploadUnknown` for an address that was not given out. */
export function requireSignature(
  { settings }: RegistryParts,
  { query }: RequestContext,
  name: string,
  id: string,
): void {
  if (settings.secret === '') return;
  const expected = Buffer.from(signatureOf(settings.secret, name, id));
  const given = Buffer.from(query.get('_state') ?? '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw errors.uploadUnknown(id);
}

/** Throws when nothing may be pushed here. */
export function requireWritable({ settings, upstream }: RegistryParts): void {
  if (upstream) throw errors.isCache(upstream.url);
  if (settings.readOnly) throw errors.readOnly();
}

/** Throws when nothing may be deleted here. */
export function requireDeletable(parts: RegistryParts): void {
  requireWritable(parts);
  if (!parts.settings.allowDelete) throw errors.noDelete();
}

function signatureOf(secret: string, name: string, id: string): string {
  return createHmac('sha256', secret).update(`${name} ${id}`).digest('base64url');
}

/** As the client said it, also to a proxy before us. */
function originOf({ headers, socket }: Incoming): string {
  const first = (value: string | string[] | undefined): string | undefined =>
    (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
  const scheme = first(headers['x-forwarded-proto']) ?? (socket && 'encrypted' in socket ? 'https' : 'http');
  const host = first(headers['x-forwarded-host']) ?? headers.host ?? 'localhost';
  return `${scheme}://${host}`;
}
