/**
 * One repository for one operation: its endpoints in the order they are asked, and who asks.
 *
 * A mirror that fails is passed over, for this request and, when it cannot be reached, for a while.
 */
import { type Log, messageOf, SkiffError } from '#base';
import { RegistryRefusal } from '../errors.ts';
import type { Reference } from '../reference.ts';
import { isAnonymous } from './auth-config.ts';
import type { AuthConfig, CallOptions } from './config.ts';
import type { HttpAnswer } from './connections.ts';
import type { Access, ApiRequest, RegistryHost } from './registry-host.ts';

const MIRROR_RESTS_MS = 60_000;

/** The part of a reference that names a repository. */
export type RepositoryName = Pick<Reference, 'name' | 'host' | 'path'>;

/** A request below the endpoint's base. */
export type PathRequest = ApiRequest & { readonly path: string };

export interface RepositoryParts {
  readonly name: RepositoryName;
  /** Mirrors first, the registry itself last. */
  readonly hosts: readonly RegistryHost[];
  /** Mirrors that could not be reached, until when they are left alone: shared by all operations. */
  readonly resting: Map<RegistryHost, number>;
  readonly scopes: readonly string[];
  readonly options: CallOptions;
  readonly log: Log;
}

export class Repository {
  readonly #parts: RepositoryParts;
  readonly name: RepositoryName;
  readonly signal: AbortSignal | undefined;
  readonly #hosts: readonly RegistryHost[];
  readonly #resting: Map<RegistryHost, number>;
  readonly #auth: AuthConfig | undefined;
  readonly #scopes: readonly string[];
  readonly #log: Log;

  constructor(parts: RepositoryParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.signal = parts.options.signal;
    this.#hosts = parts.hosts;
    this.#resting = parts.resting;
    this.#auth = isAnonymous(parts.options.auth) ? undefined : parts.options.auth;
    this.#scopes = parts.scopes;
    this.#log = parts.log;
  }

  get stallMs(): number {
    return this.origin.stallMs;
  }

  get origin(): RegistryHost {
    return this.#hosts.at(-1)!;
  }

  /** `/v2/<path>/<rest>`. */
  path(rest: string): string {
    return `/v2/${this.name.path}/${rest}`;
  }

  /** From the registry itself. Throws as `RegistryHost.send`. */
  send(request: ApiRequest, scopes: readonly string[] = this.#scopes): Promise<HttpAnswer> {
    return this.origin.send(request, { auth: this.#auth, scopes, signal: this.signal });
  }

  /** As `send`, whatever the status. */
  sendRaw(request: ApiRequest, scopes: readonly string[] = this.#scopes): Promise<HttpAnswer> {
    return this.origin.sendRaw(request, { auth: this.#auth, scopes, signal: this.signal });
  }

  /**
   * Asks each endpoint in turn until one gives what `read` can use; the request is made anew for each. Throws what the
   * registry itself says, what the signal does, and what fails on our own side; failures of mirrors are only logged.
   */
  async fromAny<T>(request: () => PathRequest, read: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    for (const host of this.#hosts) {
      if (!host.endpoint.isMirror) break;
      if ((this.#resting.get(host) ?? 0) > Date.now()) continue;
      try {
        return await read(await host.send(withNamespace(request(), host), this.#mirrorAccess()));
      } catch (error) {
        this.signal?.throwIfAborted();
        if (!(error instanceof SkiffError) || !/^(?:registry|oci)\./.test(error.code)) throw error;
        if (!(error instanceof RegistryRefusal)) this.#resting.set(host, Date.now() + MIRROR_RESTS_MS);
        this.#log.info('a mirror did not serve', { mirror: host.endpoint.host, error: messageOf(error) });
      }
    }
    return read(await this.send(request()));
  }

  /** The same without mirrors: for what one of them gave wrong. */
  withoutMirrors(): Repository {
    return new Repository({ ...this.#parts, hosts: [this.origin] });
  }

  /** The same for something that is to happen although the operation has been given up, within this time. */
  detached(milliseconds: number): Repository {
    const options = { ...this.#parts.options, signal: AbortSignal.timeout(milliseconds) };
    return new Repository({ ...this.#parts, options });
  }

  /** compat: credentials are for the registry, and mirrors are somebody else. */
  #mirrorAccess(): Access {
    return { auth: undefined, scopes: this.#scopes, signal: this.signal };
  }
}

function withNamespace(request: PathRequest, { endpoint }: RegistryHost): ApiRequest {
  if (endpoint.namespace === '') return request;
  const separator = request.path.includes('?') ? '&' : '?';
  return { ...request, path: `${request.path}${separator}ns=${encodeURIComponent(endpoint.namespace)}` };
}
