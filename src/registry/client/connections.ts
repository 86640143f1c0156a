/**
 * HTTP and HTTPS to registries: kept connections, proxies, trust, and an end to waiting. Knows no registry's routes.
 *
 * An agent holds the connections of one kind: protocol, proxy, and whose certificates are trusted. Hosts without
 * certificates of their own share one, so that redirects to many hosts do not make many agents.
 */
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { errnoCode } from '#base';
import { errors } from '../errors.ts';
import type { RegistryConfig } from './config.ts';
import { isInsecure } from './endpoints.ts';
import { connectionFailure, requestName } from './failures.ts';
import { type HostCertificates, readHostCertificates } from './host-certificates.ts';
import { proxyFor } from './proxy.ts';
import { TunnelAgent } from './tunnel-agent.ts';

const MAX_FREE_SOCKETS = 8;

export interface HttpBody {
  readonly bytes: number;
  /** Called for each try. */
  readonly open: () => Readable | Uint8Array;
  readonly contentType: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte before it is given up while an answer is awaited; the client's own when absent. */
  readonly answerMs?: number | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly url: URL;
  /** To be read to its end, or destroyed. */
  readonly body: IncomingMessage;
}

export class Connections implements Disposable {
  readonly #config: RegistryConfig;
  readonly #agents = new Map<string, HttpAgent>();
  #systemAuthorities: string[] | undefined;

  constructor(config: RegistryConfig) {
    this.#config = config;
  }

  get stallMs(): number {
    return this.#config.stallMs;
  }

  /** The answer once its head is there. Throws `registry.unreachable`, `.broken`, `.stalled`; the signal's reason. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    for (let turn = 0; ; turn += 1) {
      request.signal?.throwIfAborted();
      try {
        return await this.#exchange(request, this.#agentFor(request.url));
      } catch (error) {
        request.signal?.throwIfAborted();
        if (error instanceof StaleConnection && turn < MAX_FREE_SOCKETS) continue;
        if (error instanceof LocalFailure) throw error.cause;
        throw connectionFailure(error, request.method, request.url);
      }
    }
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #exchange(request: HttpRequest, agent: HttpAgent): Promise<HttpAnswer> {
    const { method, url, body, signal, answerMs = this.#config.stallMs } = request;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const content = body?.open();
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = open(url, {
      agent,
      method,
      headers: {
        'User-Agent': this.#config.userAgent,
        'Accept-Encoding': 'identity',
        ...(body ? { 'Content-Length': String(body.bytes), 'Content-Type': body.contentType } : {}),
        ...request.headers,
      },
      ...(signal ? { signal } : {}),
    });
    const { stallMs, connectMs } = this.#config;
    const name = requestName(method, url);
    const connecting = setTimeout(() => outgoing.destroy(errors.noConnection(name, url.host)), connectMs);
    const connected = (): void => clearTimeout(connecting);
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) connected();
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
    });
    let waitingMs = stallMs;
    outgoing.setTimeout(stallMs);
    outgoing.on('timeout', () => outgoing.destroy(errors.stalled(name, Math.ceil(waitingMs / 1000))));
    outgoing.once('finish', () => {
      waitingMs = answerMs;
      outgoing.setTimeout(answerMs);
    });
    outgoing.once('close', connected);
    outgoing.on('error', (error) => {
      if (isStream(content)) content.destroy();
      // The other side has closed a kept connection just as it was used again: that says nothing of the request.
      // With a body it may have broken half-way, which is its sender's to know.
      const isStale = outgoing.reusedSocket && !body?.bytes && ['ECONNRESET', 'EPIPE'].includes(errnoCode(error) ?? '');
      reject(isStale ? new StaleConnection(error) : error);
    });
    outgoing.once('response', (incoming) => {
      connected();
      // The reader watches over the body itself: a slow disk of ours is no stall of theirs.
      outgoing.setTimeout(0);
      if (!outgoing.writableFinished) abandonUpload(content, outgoing, incoming);
      const { statusCode: status = 0, statusMessage: statusText = '', headers } = incoming;
      resolve({ status, statusText, headers, url, body: incoming });
    });
    if (isStream(content)) {
      content.once('error', (error) => {
        // What fails on our own side is not the connection's fault, and is told as it is.
        reject(new LocalFailure(error));
        outgoing.destroy();
      });
      content.pipe(outgoing);
    } else outgoing.end(content);
    return promise;
  }

  #agentFor(url: URL): HttpAgent {
    const proxy = proxyFor(url, this.#config.proxies);
    const isTls = url.protocol === 'https:';
    const certificates = isTls ? readHostCertificates(this.#config.certificateFolders, url.host) : undefined;
    const insecure = isTls && isInsecure(url.host, this.#config.insecureRegistries);
    const key = [url.protocol, proxy?.href ?? '', insecure, certificates ? url.host : ''].join(' ');
    const wanted = `${key} ${certificates?.fingerprint ?? ''}`;
    const known = this.#agents.get(wanted);
    if (known) return known;
    // Certificates were exchanged on disk: connections made with the old ones go.
    for (const [name, agent] of this.#agents) {
      if (!certificates || !name.startsWith(`${key} `)) continue;
      agent.destroy();
      this.#agents.delete(name);
    }
    const options = {
      keepAlive: true,
      maxFreeSockets: MAX_FREE_SOCKETS,
      // Node gives an address a quarter of a second before it tries the next, which is little for another continent.
      autoSelectFamilyAttemptTimeout: 2000,
      // Below what registries and their proxies keep connections for.
      timeout: 30_000,
    };
    const agent = isTls
      ? this.#tlsAgent(
          {
            ...options,
            secureContext: this.#trust(certificates, insecure),
            rejectUnauthorized: !insecure,
          },
          proxy,
        )
      : new HttpAgent({ ...options, ...(proxy ? { proxyEnv: { HTTP_PROXY: proxy.href } } : {}) });
    this.#agents.set(wanted, agent);
    return agent;
  }

  #tlsAgent(options: AgentOptions, proxy: URL | undefined): HttpsAgent {
    if (!proxy) return new HttpsAgent(options);
    const { connectMs, userAgent } = this.#config;
    return new TunnelAgent({ ...options, proxy, proxyTrust: this.#trust(undefined, false), connectMs, userAgent });
  }

  /** Made once per agent: reading some hundred authorities takes a tenth of a second of the daemon's time. */
  #trust(certificates: HostCertificates | undefined, insecure: boolean): SecureContext {
    // compat: the system's authorities, which an administrator adds to, not those Node was built with.
    if (!insecure) this.#systemAuthorities ??= systemAuthorities();
    const own = certificates?.own ?? [];
    return createSecureContext({
      ca: insecure ? [] : [...(this.#systemAuthorities ?? []), ...(certificates?.authorities ?? [])],
      ...(own.length === 0 ? {} : { cert: own.map(({ certificate }) => certificate), key: own.map(({ key }) => key) }),
    });
  }
}

class StaleConnection extends Error {
  constructor(cause: unknown) {
    super('a kept connection was closed', { cause });
  }
}

/** Carries what the source of a body has failed with past the connection's own errors. */
class LocalFailure extends Error {
  constructor(cause: unknown) {
    super('the source of a request failed', { cause });
  }
}

function systemAuthorities(): string[] {
  const system = getCACertificates('system');
  return system.length > 0 ? system : getCACertificates('bundled');
}

const isStream = (content: Readable | Uint8Array | undefined): content is Readable =>
  content !== undefined && !(content instanceof Uint8Array);

/** It answered before it had read everything: nothing more is sent, and the connection cannot be used again. */
function abandonUpload(
  content: Readable | Uint8Array | undefined,
  outgoing: { destroy(): unknown },
  incoming: IncomingMessage,
): void {
  if (!isStream(content)) return;
  content.unpipe();
  content.destroy();
  incoming.once('close', () => outgoing.destroy());
}

/** The body's pieces as they come. Throws `registry.stalled` and `registry.broken`, the signal's reason. */
export async function* readPieces(
  answer: HttpAnswer,
  stallMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const { body, url } = answer;
  let isWaiting = true;
  const timer = setTimeout(() => {
    if (isWaiting) body.destroy(errors.stalled(requestName('GET', url), Math.ceil(stallMs / 1000)));
  }, stallMs);
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      isWaiting = false;
      yield piece;
      isWaiting = true;
      timer.refresh();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionFailure(error, 'GET', url);
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

/** The whole of a small body. Throws `registry.tooLarge`, and as `readPieces`. */
export async function readSmall(
  answer: HttpAnswer,
  limitBytes: number,
  stallMs: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of readPieces(answer, stallMs, signal)) {
    size += piece.length;
    if (size > limitBytes) throw errors.tooLarge(requestName('GET', answer.url), limitBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Reads what is left of an answer nobody wants, if it is little, so that its connection can be used again. */
export function discard({ body }: HttpAnswer): void {
  let left = 64 * 1024;
  body.on('error', () => {});
  body.on('data', (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) body.destroy();
  });
}
