/** What the client is told about registries, as one value: nothing is read from globals or the environment. */
export interface RegistryConfig {
  /** Hosts (`host`, `host:port`) and CIDRs whose TLS is not verified, or that speak HTTP only. Loopback always is. */
  readonly insecureRegistries: readonly string[];
  /** Mirrors by registry host (`docker.io` for Docker Hub), asked in this order before the registry, for pulls only. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** Folders with one folder per `HOST[:PORT]` of certificates; all that exist are read. */
  readonly certificateFolders: readonly string[];
  readonly proxies: ProxySettings;
  /** Sent with each request. */
  readonly userAgent: string;
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploads: number;
  /** Tries of one transfer before it is given up, the first included. A try that brought bytes does not count. */
  readonly maxAttempts: number;
  /** The wait before the second try; it doubles with each, up to `maxBackoffMs`. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** A `Retry-After` beyond this is told to the user instead of waited for. */
  readonly maxRetryAfterMs: number;
  /** How long a connection may take to come about, TLS and proxy included. */
  readonly connectMs: number;
  /** A connection on which nothing moves for this long is given up. */
  readonly stallMs: number;
  /** The same for answers a registry may have to work for: the end of an upload. */
  readonly commitMs: number;
  /** Blobs longer than this are uploaded in pieces, each of which can be repeated. */
  readonly uploadChunkBytes: number;
}

/** In the terms of Go's httpproxy, which Docker uses. Empty: none. */
export interface ProxySettings {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

export const HUB_HOST = 'docker.io';

export const defaultRegistryConfig: RegistryConfig = {
  insecureRegistries: [],
  mirrors: {},
  certificateFolders: ['/etc/skiff/certs.d', '/etc/docker/certs.d'],
  proxies: { httpProxy: '', httpsProxy: '', noProxy: '' },
  userAgent: 'skiff',
  // compat: dockerd's --max-concurrent-downloads and --max-concurrent-uploads.
  maxConcurrentDownloads: 3,
  maxConcurrentUploads: 5,
  // compat: dockerd's --max-download-attempts.
  maxAttempts: 5,
  backoffMs: 1000,
  maxBackoffMs: 30_000,
  maxRetryAfterMs: 120_000,
  connectMs: 20_000,
  stallMs: 60_000,
  commitMs: 600_000,
  uploadChunkBytes: 64 * 1024 * 1024,
};

/** What an operation on a registry can be told besides its subject. */
export interface CallOptions {
  readonly auth?: AuthConfig | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Who asks. All empty: nobody in particular. */
export interface AuthConfig {
  readonly username?: string;
  readonly password?: string;
  /** From an earlier login: exchanged for tokens instead of the password. */
  readonly identityToken?: string;
  /** Sent to the registry as it is. */
  readonly registryToken?: string;
  /** The registry these are for, in whatever form the client has it. */
  readonly serverAddress?: string;
}
