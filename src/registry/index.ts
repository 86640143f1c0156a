/** OCI distribution: references, client and server. */
export { parseReference, parseTag, type Reference, repositoryOf } from './reference.ts';
export { type Authentication, openHtpasswd, parseHtpasswd } from './server/htpasswd.ts';
export { defaultRegistrySettings, type RegistrySettings } from './server/parts.ts';
export { RegistryServer, type RegistryServerOptions } from './server/server.ts';
export type { RegistryContent, StorageIngest, StorageLease, StoredBlob } from './server/storage.ts';
export type { Upstream, UpstreamBlob, UpstreamManifest } from './server/upstream.ts';
