/** Manifests in the store and in the records of their repository, found and kept. */
import { randomUUID } from 'node:crypto';
import type { Digest } from '#base';
import { childrenOf, digestsOf, type Manifest } from '#specs';
import { parseManifestReference } from './paths.ts';
import type { ManifestRecord, Repositories } from './repositories.ts';
import type { RegistryContent } from './storage.ts';

export interface Shelf {
  readonly content: RegistryContent;
  readonly repositories: Repositories;
}

/** Throws `distribution.tagInvalid`, `distribution.digestInvalid`. */
export function findManifest(
  { repositories }: Pick<Shelf, 'repositories'>,
  name: string,
  reference: string,
): ManifestRecord | undefined {
  const target = parseManifestReference(reference);
  const digest = 'digest' in target ? target.digest : repositories.tag(name, target.tag);
  return digest === undefined ? undefined : repositories.manifest(name, digest);
}

export interface NewManifest {
  readonly name: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly manifest: Manifest;
  readonly tags: readonly string[];
  /** What is here of what it refers to. */
  readonly references: readonly Digest[];
}

/** Bytes, then record, in one turn of the event loop: nothing it refers to is collected in between. */
export function keepManifest(
  { content, repositories }: Shelf,
  { name, digest, bytes, manifest, tags, references }: NewManifest,
): ManifestRecord {
  const record = {
    repository: name,
    digest,
    mediaType: manifest.mediaType,
    sizeBytes: bytes.length,
    artifactType: artifactTypeOf(manifest),
    ...(manifest.subject ? { subject: manifest.subject.digest } : {}),
    references: digestsOf(childrenOf(manifest)),
  };
  const lease = content.lease(`manifest:${randomUUID()}`, { isTransient: true });
  try {
    content.put(bytes, { lease, digest, references });
    return repositories.putManifest(record, tags);
  } finally {
    lease.release();
  }
}

/** What the referrers list says of it. spec: distribution-spec, Listing Referrers. */
function artifactTypeOf(manifest: Manifest): string {
  const own = manifest.artifactType ?? '';
  return own === '' && manifest.kind === 'manifest' ? manifest.config.mediaType : own;
}
