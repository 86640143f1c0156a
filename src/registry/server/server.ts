/** The registry: routes, who may come in, and what is said of each request. Knows HTTP, not sockets. */
import type { Log, RecordStores } from '#base';
import type { HttpDoor, RequestContext } from '#rpc';
import { sendJson, takeRest } from './answers.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { deleteUpload, getUpload, patchUpload, postUpload, putUpload } from './blob-uploads.ts';
import { Collector } from './collector.ts';
import { listReferrers, listRepositories, listTags } from './discovery.ts';
import { sendError } from './error-answer.ts';
import { errors } from './errors.ts';
import type { Authentication } from './htpasswd.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { defaultRegistrySettings, type RegistryParts, type RegistrySettings } from './parts.ts';
import { parsePath, requireDigest, type Target } from './paths.ts';
import { PullThrough } from './pull-through.ts';
import { Repositories } from './repositories.ts';
import type { RegistryContent } from './storage.ts';
import type { Upstream } from './upstream.ts';
import { Uploads } from './uploads.ts';

export interface RegistryServerOptions {
  readonly content: RegistryContent;
  readonly records: RecordStores;
  readonly log: Log;
  readonly settings?: Partial<RegistrySettings>;
  /** Everybody may come in where it is left out. */
  readonly authentication?: Authentication | undefined;
  /** Makes this a cache. */
  readonly upstream?: Upstream | undefined;
  /** How long what is pushed stays without a manifest that refers to it. Milliseconds; a day. */
  readonly graceMs?: number;
  /** Manifests without a tag, that nothing refers to, go as well, after the same time. */
  readonly removeUntagged?: boolean;
  /** How long an upload waits for its next request. Milliseconds; a week. */
  readonly uploadsKeptMs?: number;
  /** Of a cache: how long what was fetched stays. Milliseconds; 0, the default: for ever. */
  readonly ttlMs?: number;
  readonly nowMs?: () => number;
}

const DAY_MS = 24 * 3_600_000;
/** compat: distribution's purge of uploads. */
const WEEK_MS = 7 * DAY_MS;

/** One registry over one content store. Disposing it leaves uploads to be gone on with by the next. */
export class RegistryServer implements AsyncDisposable {
  readonly door: HttpDoor;
  readonly #parts: RegistryParts;
  readonly #authentication: Authentication | undefined;

  /** Throws what the record stores throw. */
  constructor(options: RegistryServerOptions) {
    const { content, records, log, graceMs = DAY_MS, removeUntagged = false, ttlMs = 0, nowMs = Date.now } = options;
    const settings = { ...defaultRegistrySettings, ...options.settings };
    const repositories = new Repositories(records, nowMs);
    const uploads = new Uploads(records, content, nowMs, options.uploadsKeptMs ?? WEEK_MS);
    const collector = new Collector({ content, repositories, uploads, log, nowMs, graceMs, removeUntagged, ttlMs });
    const upstream = options.upstream && new PullThrough({ upstream: options.upstream, content, repositories, log });
    this.#parts = { settings, content, repositories, uploads, collector, upstream, log };
    this.#authentication = options.authentication;
    this.door = { headers: { Server: 'skiff-registry' }, handle: (context) => this.#handle(context) };
  }

  /** Begins to collect garbage from time to time. A read-only registry changes nothing by itself either. */
  start(): void {
    if (!this.#parts.settings.readOnly) this.#parts.collector.start();
  }

  /** Collects garbage now. */
  async collect(): Promise<void> {
    await this.#parts.collector.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.collector[Symbol.asyncDispose]();
    await this.#parts.uploads.close();
  }

  async #handle(context: RequestContext): Promise<void> {
    const { request, response, url } = context;
    const { settings, log } = this.#parts;
    const startedMs = performance.now();
    const line = log.with({ method: request.method, path: url.pathname, from: request.socket?.remoteAddress });
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    for (const [name, values] of Object.entries(settings.headers)) response.setHeader(name, values);
    response.once('close', () => {
      if (!settings.accessLog) return;
      const ms = Math.round(performance.now() - startedMs);
      line.info('request', { status: response.statusCode, ms, complete: response.writableFinished });
    });
    try {
      await this.#route(context);
    } catch (error) {
      // A client that has gone needs no answer, and its going is no failure of ours.
      if (context.signal.aborted) return void response.destroy();
      await takeRest(request, response);
      sendError(response, error, line);
    }
  }

  async #route(context: RequestContext): Promise<void> {
    const { request, response, url, query } = context;
    const { prefix } = this.#parts.settings;
    const method = request.method ?? 'GET';
    if (url.pathname === '/' && (method === 'GET' || method === 'HEAD')) {
      // compat: what asks whether anybody is there.
      sendJson(response, {});
      return;
    }
    if (!url.pathname.startsWith(prefix)) throw errors.routeUnknown(url.pathname);
    await this.#authenticate(context);
    const target = parsePath(url.pathname.slice(prefix.length));
    if (!target) throw errors.routeUnknown(url.pathname);
    const namespace = query.get('ns');
    if (this.#parts.upstream && namespace !== null) response.setHeader('OCI-Namespace', namespace);
    await this.#serve(context, method === 'HEAD' ? 'GET' : method, target);
  }

  async #authenticate({ request, response }: RequestContext): Promise<void> {
    const authentication = this.#authentication;
    if (!authentication) return;
    if ((await authentication.verify(request.headers.authorization)) !== undefined) return;
    response.setHeader('WWW-Authenticate', `Basic realm="${authentication.realm.replace(/["\\]/g, '\\$&')}"`);
    throw errors.unauthorized();
  }

  async #serve(context: RequestContext, method: string, target: Target): Promise<void> {
    const parts = this.#parts;
    switch (target.kind) {
      case 'ping':
        only(method, context, 'GET');
        return sendJson(context.response, {});
      case 'catalog':
        only(method, context, 'GET');
        return listRepositories(parts, context);
      case 'tags':
        only(method, context, 'GET');
        return listTags(parts, context, target.name);
      case 'referrers':
        only(method, context, 'GET');
        return listReferrers(parts, context, target.name, requireDigest(target.digest));
      case 'manifest':
        only(method, context, 'GET', 'PUT', 'DELETE');
        if (method === 'PUT') return putManifest(parts, context, target.name, target.reference);
        if (method === 'DELETE') return deleteManifest(parts, context, target.name, target.reference);
        return getManifest(parts, context, target.name, target.reference);
      case 'blob':
        only(method, context, 'GET', 'DELETE');
        if (method === 'DELETE') return deleteBlob(parts, context, target.name, requireDigest(target.digest));
        return getBlob(parts, context, target.name, requireDigest(target.digest));
      case 'uploads':
        only(method, context, 'POST');
        return postUpload(parts, context, target.name);
      case 'upload':
        only(method, context, 'GET', 'PATCH', 'PUT', 'DELETE');
        if (method === 'PATCH') return patchUpload(parts, context, target.name, target.id);
        if (method === 'PUT') return putUpload(parts, context, target.name, target.id);
        if (method === 'DELETE') return deleteUpload(parts, context, target.name, target.id);
        return getUpload(parts, context, target.name, target.id);
    }
  }
}

function only(method: string, { response }: RequestContext, ...allowed: readonly string[]): void {
  if (allowed.includes(method)) return;
  response.setHeader('Allow', allowed.flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each])).join(', '));
  throw errors.methodUnknown(method);
}
