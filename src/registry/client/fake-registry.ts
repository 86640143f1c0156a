/**
 * A registry in memory, for tests: keeps what is pushed, logs what is asked, and misbehaves as it is told.
 *
 * It follows the distribution specification closely enough that a client which gets something wrong is refused.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type Digest, digestOf } from '#base';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** Answers some requests in its own way; true when it has. */
export type Intercept = (exchange: Exchange) => boolean | Promise<boolean>;

export class FakeRegistry implements AsyncDisposable {
  readonly blobs = new Map<string, Buffer>();
  /** By repository and digest or tag. */
  readonly manifests = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  readonly uploads = new Map<string, Buffer>();
  /** `GET /v2/…`, in the order they came. */
  readonly requests: string[] = [];
  readonly #intercepts: Intercept[] = [];
  readonly #server: Server;
  #begun = 0;

  constructor(make: (listener: RequestListener) => Server) {
    this.#server = make((request, response) => void this.#serve(request, response));
  }

  static async start(make: (listener: RequestListener) => Server = createServer): Promise<FakeRegistry> {
    const registry = new FakeRegistry(make);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Asked before all else, the newest first. */
  intercept(intercept: Intercept): void {
    this.#intercepts.unshift(intercept);
  }

  /** Requests that begin so. */
  count(prefix: string): number {
    return this.requests.filter((request) => request.startsWith(prefix)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${this.host}`);
    this.requests.push(`${request.method} ${request.url}`);
    request.on('error', () => {});
    try {
      for (const intercept of this.#intercepts) if (await intercept({ request, response, url })) return;
      await this.#route({ request, response, url });
    } catch (error) {
      if (!response.headersSent && !request.destroyed) refuse(response, 500, 'UNKNOWN', String(error));
    }
  }

  async #route(exchange: Exchange): Promise<void> {
    const { response, url } = exchange;
    if (url.pathname === '/v2/') return answer(response, 200, {}, '{}');
    const [, repository, kind, rest = ''] =
      /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (repository === undefined) return refuse(response, 404, 'UNSUPPORTED', 'no such route');
    if (kind === 'blobs') return this.#blob(exchange, rest);
    if (kind === 'manifests') return this.#manifest(exchange, repository, rest);
    if (kind === 'tags') return this.#tags(exchange, repository);
    if (kind === 'blobs/uploads') return this.#upload(exchange, repository, rest);
    return refuse(response, 404, 'UNSUPPORTED', 'no referrers here');
  }

  #blob({ request, response }: Exchange, digest: string): void {
    const bytes = this.blobs.get(digest);
    if (!bytes) return refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    const headers = { 'Docker-Content-Digest': digest, 'Content-Type': 'application/octet-stream' };
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    if (!range) return answer(response, 200, headers, request.method === 'HEAD' ? undefined : bytes, bytes.length);
    const start = Number(range[1]);
    if (start >= bytes.length) return answer(response, 416, { 'Content-Range': `bytes */${bytes.length}` }, '');
    const contentRange = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    return answer(response, 206, { ...headers, 'Content-Range': contentRange }, bytes.subarray(start));
  }

  async #manifest({ request, response }: Exchange, repository: string, target: string): Promise<void> {
    const key = `${repository} ${target}`;
    if (request.method === 'PUT') {
      const bytes = await buffer(request);
      const stored = { bytes, type: request.headers['content-type'] ?? '' };
      const digest = digestOf(bytes);
      for (const name of [digest, target]) this.manifests.set(`${repository} ${name}`, stored);
      return answer(response, 201, { 'Docker-Content-Digest': digest }, '');
    }
    const found = this.manifests.get(key);
    if (!found) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    if (request.method === 'DELETE') {
      this.manifests.delete(key);
      return answer(response, 202, {}, '');
    }
    const headers = { 'Docker-Content-Digest': digestOf(found.bytes), 'Content-Type': found.type };
    const body = request.method === 'HEAD' ? undefined : found.bytes;
    return answer(response, 200, headers, body, found.bytes.length);
  }

  /** Two at a time, so that there are pages. */
  #tags({ response, url }: Exchange, repository: string): void {
    const all = [...this.manifests.keys()]
      .filter((key) => key.startsWith(`${repository} `) && !key.includes(':'))
      .map((key) => key.slice(repository.length + 1))
      .sort();
    const from = all.findIndex((tag) => tag > (url.searchParams.get('last') ?? ''));
    const page = from < 0 ? [] : all.slice(from, from + 2);
    const next = `</v2/${repository}/tags/list?n=2&last=${page.at(-1)}>; rel="next"`;
    const headers = from >= 0 && from + 2 < all.length ? { Link: next } : {};
    return answer(response, 200, headers, JSON.stringify({ name: repository, tags: page }));
  }

  async #upload({ request, response, url }: Exchange, repository: string, id: string): Promise<void> {
    const location = (name: string): string => `/v2/${repository}/blobs/uploads/${name}?state=${name}`;
    if (request.method === 'POST') {
      const mount = url.searchParams.get('mount');
      if (mount && url.searchParams.get('from') === 'other' && this.blobs.has(mount))
        return answer(response, 201, {}, '');
      this.#begun += 1;
      const name = `u${this.#begun}`;
      this.uploads.set(name, Buffer.alloc(0));
      return answer(response, 202, { Location: location(name), Range: '0-0' }, '');
    }
    const before = this.uploads.get(id);
    if (!before || url.searchParams.get('state') !== id) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'unknown');
    if (request.method === 'DELETE') {
      this.uploads.delete(id);
      return answer(response, 204, {}, undefined);
    }
    const state = (): Record<string, string> => {
      const size = this.uploads.get(id)!.length;
      return { Location: location(id), Range: `0-${Math.max(0, size - 1)}` };
    };
    if (request.method === 'GET') return answer(response, 204, state(), undefined);
    const [, start = before.length] = /^(\d+)-\d+$/.exec(request.headers['content-range'] ?? '') ?? [];
    const bytes = await buffer(request);
    if (bytes.length !== Number(request.headers['content-length']))
      return refuse(response, 400, 'SIZE_INVALID', 'size');
    if (Number(start) !== before.length) return answer(response, 416, state(), '');
    const all = Buffer.concat([before, bytes]);
    this.uploads.set(id, all);
    if (request.method === 'PATCH') return answer(response, 202, state(), '');
    const digest = url.searchParams.get('digest');
    if (digest !== digestOf(all)) return refuse(response, 400, 'DIGEST_INVALID', 'digest does not match');
    this.blobs.set(digest, all);
    this.uploads.delete(id);
    return answer(response, 201, { 'Docker-Content-Digest': digest }, '');
  }
}

/** Ends the exchange with this. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array | undefined,
  length: number | undefined = body?.length,
): void {
  response.writeHead(status, { ...headers, ...(length === undefined ? {} : { 'Content-Length': length }) });
  response.end(body);
}

export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify({ errors: [{ code, message, detail: null }] });
  answer(response, status, { ...headers, 'Content-Type': 'application/json' }, body);
}

/** An image of this many layers, put into the registry as `repository:tag`. */
export function addImage(
  registry: FakeRegistry,
  repository: string,
  tag: string,
  layers: readonly Uint8Array[],
): { readonly digest: Digest; readonly layers: readonly Digest[] } {
  const put = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    registry.blobs.set(digest, Buffer.from(bytes));
    return digest;
  };
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }),
  );
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const digests = layers.map(put);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: put(config), size: config.length },
      layers: digests.map((digest, at) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest,
        size: layers[at]!.length,
      })),
    }),
  );
  const digest = digestOf(manifest);
  for (const name of [digest, tag]) registry.manifests.set(`${repository} ${name}`, { bytes: manifest, type });
  return { digest, layers: digests };
}
