/** Whether a manifest may be kept: what it refers to has to be in its repository. spec: distribution-spec, Pushing Manifests. */
import type { Digest } from '#base';
import { childrenOf, type Descriptor, isForeignLayerType, type Manifest } from '#specs';
import { errors } from './errors.ts';
import type { RegistryParts } from './parts.ts';

/** What of a manifest's references is here. Throws `distribution.manifestBlobUnknown`, `distribution.sizeInvalid`. */
export function checkReferences(
  { repositories, content, settings }: Pick<RegistryParts, 'repositories' | 'content' | 'settings'>,
  name: string,
  manifest: Manifest,
): Digest[] {
  const isSparse = settings.sparse === 'all' || (settings.sparse === 'indexes' && manifest.kind === 'index');
  const present: Digest[] = [];
  for (const { digest, size, mediaType } of uniqueByDigest(childrenOf(manifest))) {
    // compat: an index may refer to plain blobs; BuildKit's caches do.
    const isHere = repositories.hasBlob(name, digest) || repositories.manifest(name, digest) !== undefined;
    const blob = isHere ? content.stat(digest) : undefined;
    if (blob) {
      if (blob.sizeBytes !== size) throw errors.sizeInvalid(digest, size, blob.sizeBytes);
      present.push(digest);
    } else if (!isSparse && !isForeignLayerType(mediaType)) {
      throw errors.manifestBlobUnknown(name, digest);
    }
  }
  return present;
}

function uniqueByDigest(descriptors: readonly Descriptor[]): Iterable<Descriptor> {
  return new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values();
}
