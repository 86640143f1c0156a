/** A build cache that a registry has: one of its own, or one inside of an image. */
import { type AuthConfig, parseReference, type RegistryClient } from '#registry';
import type { ImportedCache } from '../export/export-wish.ts';
import { importCache } from './import-cache.ts';

export interface RegistryCacheOptions {
  readonly credentials: AuthConfig;
  readonly hasMounts: boolean;
  readonly signal: AbortSignal;
}

/** Throws `registry.*` and `build.badCache`. */
export async function registryCache(
  registry: RegistryClient,
  name: string,
  { credentials: auth, hasMounts, signal }: RegistryCacheOptions,
): Promise<ImportedCache> {
  const reference = parseReference(name);
  const call = { auth, signal };
  const { manifest } = await registry.fetchManifest(reference, call);
  return importCache({
    root: manifest,
    hasMounts,
    read: async (descriptor, limitBytes) => {
      const { mediaType, digest } = descriptor;
      const isDocument = /\.(?:manifest|index|manifest\.list)\.v\d\+json$/.test(mediaType);
      if (!isDocument) return registry.fetchBlob(reference, descriptor, limitBytes, call);
      return (await registry.fetchManifest({ ...reference, tag: undefined, digest }, call)).bytes;
    },
    fetch: (descriptor, target, lease) => registry.fetchLayer(reference, descriptor, target, { ...call, lease }),
  });
}
