/** OCI distribution: references, client and server. */
export type { BlobSource } from './client/blob-source.ts';
export type { BlobIngest, BlobLease, BlobTarget } from './client/blob-target.ts';
export {
  type AuthConfig,
  type CallOptions,
  defaultRegistryConfig,
  HUB_HOST,
  type ProxySettings,
  type RegistryConfig,
} from './client/config.ts';
export {
  decodeAuthHeader,
  encodeAuthHeader,
  HUB_SERVER_KEY,
  hostOfServer,
  readAuthConfig,
} from './client/auth-config.ts';
export { checkInsecureRegistry, checkMirror } from './client/endpoints.ts';
export { openRegistryClient } from './client/open.ts';
export { proxiesFromEnvironment } from './client/proxy.ts';
export type {
  FetchedManifest,
  LoginResult,
  PulledImage,
  PullOptions,
  PullProgress,
  PushedImage,
  PushOptions,
  PushProgress,
  RegistryClient,
  RemoteImage,
  SearchResult,
} from './client/registry-client.ts';
export { authHeaderFor, CredentialStore, serverKeyOf } from './credentials/credential-store.ts';
export { compareNames, fullName, parseReference, parseTag, type Reference, repositoryOf } from './reference.ts';
export { type Authentication, openHtpasswd, parseHtpasswd } from './server/htpasswd.ts';
export { defaultRegistrySettings, type RegistrySettings } from './server/parts.ts';
export { RegistryServer, type RegistryServerOptions } from './server/server.ts';
export type { RegistryContent, StorageIngest, StorageLease, StoredBlob } from './server/storage.ts';
export type { Upstream, UpstreamBlob, UpstreamManifest } from './server/upstream.ts';
export { openUpstream, type UpstreamOptions } from './upstream-registry.ts';
