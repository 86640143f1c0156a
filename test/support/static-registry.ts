/**
 * A registry that only gives: one image of an archive's parts, over HTTP on loopback, slowly, so that a pull can be cut
 * off in the middle. It counts what was asked for.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

export class StaticRegistry implements AsyncDisposable {
  readonly #blobs = new Map<string, Buffer>();
  readonly #manifest: Buffer;
  readonly #server: Server;
  /** Milliseconds per 64 KiB. */
  pause = 0;
  /** First bytes of the ranges asked for, 0 for whole blobs. */
  readonly starts: number[] = [];

  constructor(layers: readonly Buffer[], config: object) {
    const keep = (bytes: Buffer) => {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      this.#blobs.set(digest, bytes);
      return { digest, size: bytes.length };
    };
    const layerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
    this.#manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: {
          mediaType: 'application/vnd.docker.container.image.v1+json',
          ...keep(Buffer.from(JSON.stringify(config))),
        },
        layers: layers.map((layer) => ({ mediaType: layerType, ...keep(layer) })),
      }),
    );
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get manifestDigest(): string {
    return `sha256:${createHash('sha256').update(this.#manifest).digest('hex')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    response.on('error', () => {});
    if (/^\/v2\/$/.test(path)) return void response.writeHead(200).end();
    if (/\/manifests\//.test(path)) {
      const head = {
        'Content-Type': MANIFEST,
        'Content-Length': this.#manifest.length,
        'Docker-Content-Digest': this.manifestDigest,
      };
      response.writeHead(200, head);
      return void response.end(request.method === 'HEAD' ? undefined : this.#manifest);
    }
    const blob = this.#blobs.get(/\/blobs\/(.+)$/.exec(path)?.[1] ?? '');
    if (!blob) return void response.writeHead(404).end('{"errors":[{"code":"BLOB_UNKNOWN"}]}');
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    this.starts.push(start);
    const range = start === 0 ? {} : { 'Content-Range': `bytes ${start}-${blob.length - 1}/${blob.length}` };
    response.writeHead(start === 0 ? 200 : 206, { 'Content-Length': blob.length - start, ...range });
    for (let at = start; at < blob.length && !response.destroyed; at += 65_536) {
      response.write(blob.subarray(at, at + 65_536));
      if (this.pause > 0) await sleep(this.pause);
    }
    response.end();
  }
}
