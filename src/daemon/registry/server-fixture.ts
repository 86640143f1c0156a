/** A registry in this process for tests: the real store in a temporary folder, the real server on a free port. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { createLog, type Digest, digestOf, memoryRecordStores } from '#base';
import { DiskContentStore } from '#images';
import { RegistryServer, type RegistryServerOptions } from '#registry';
import { createWebServer, drain, type WebServer } from '#rpc';
import { mediaTypes } from '#specs';

type Options = Partial<Omit<RegistryServerOptions, 'content' | 'records'>>;

export class TestRegistry implements AsyncDisposable {
  readonly folder = mkdtempSync(`${tmpdir()}/skiff-registry-`);
  readonly records = memoryRecordStores();
  /** Added to the clock. */
  laterMs = 0;
  store!: DiskContentStore;
  registry!: RegistryServer;
  #server!: WebServer;
  base = '';

  static async start(options: Options = {}): Promise<TestRegistry> {
    const one = new TestRegistry();
    await one.open(options);
    return one;
  }

  /** Opens what is in the folder; also a second time, as after the end of a process. */
  async open(options: Options = {}): Promise<void> {
    const nowMs = (): number => Date.now() + this.laterMs;
    this.store = new DiskContentStore({ folder: this.folder, records: this.records, nowMs });
    const log = createLog('error', () => {});
    this.registry = new RegistryServer({ log, nowMs, ...options, content: this.store, records: this.records });
    this.#server = createWebServer(this.registry.door);
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    this.base = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await drain(this.#server, 100);
    await this.registry[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true });
  }

  /** Any status is an answer. Bodies are read. */
  async call(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const url = path.startsWith('http') ? path : `${this.base}${path}`;
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  /** Pushes a blob at once. */
  async pushBlob(name: string, bytes: Uint8Array<ArrayBuffer> | string): Promise<Digest> {
    const digest = digestOf(bytes);
    const { status, bytes: text } = await this.call('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, bytes);
    if (status !== 201) throw new Error(`push of ${digest}: ${status} ${text.toString()}`);
    return digest;
  }

  /** Pushes an image of one config and the layers. */
  async pushImage(name: string, reference: string, layers: readonly string[], more: object = {}): Promise<Digest> {
    const descriptor = async (mediaType: string, text: string): Promise<object> => ({
      mediaType,
      digest: await this.pushBlob(name, text),
      size: text.length,
    });
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: await descriptor(mediaTypes.ociConfig, '{}'),
      layers: await Promise.all(layers.map((text) => descriptor(mediaTypes.ociLayer, text))),
      ...more,
    });
    const { status, bytes } = await this.putManifest(name, reference === '' ? digestOf(manifest) : reference, manifest);
    if (status !== 201) throw new Error(`push of ${name}:${reference}: ${status} ${bytes.toString()}`);
    return digestOf(manifest);
  }

  putManifest(name: string, reference: string, text: string, type: string = mediaTypes.ociManifest): Promise<Answer> {
    return this.call('PUT', `/v2/${name}/manifests/${reference}`, text, { 'Content-Type': type });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

/** The code of the first error of an answer. */
export function codeOf({ bytes }: Answer): string {
  return (JSON.parse(bytes.toString()) as { errors: { code: string }[] }).errors[0]!.code;
}
