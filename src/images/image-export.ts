/**
 * Images of built layers that go elsewhere: blobs in the content store, held until the export is over, without a record.
 *
 * The story. An export makes the manifests it wants (layers compressed as asked, config, manifest), puts documents of its
 * own beside them (an index, attestations, a cache), and then sends what a root points to: to a registry, or as an
 * archive. When it is disposed nothing of it is wanted any more, and the next collection takes it.
 */
import { randomUUID } from 'node:crypto';
import type { Digest } from '#base';
import { type AuthConfig, type BlobSource, parseReference, parseTag, type PushProgress } from '#registry';
import {
  childrenOf,
  type Descriptor,
  encodeManifest,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  mediaTypes,
  parseManifest,
} from '#specs';
import { adopt } from './adopt.ts';
import { type AssembleOptions, archived, configOf } from './assemble.ts';
import { type LayoutRequest, writeLayout } from './archive/write-layout.ts';
import type { Lease } from './content/content-store.ts';
import { errors } from './errors.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import type { LayerKey } from './layers/layer-store.ts';
import { mountCandidates, remember } from './push.ts';
import { type Compression, type FormattedLayer, recompressed } from './recompress.ts';

export interface ManifestWish extends Omit<AssembleOptions, 'names' | 'parent' | 'signal'> {
  readonly compression: Compression;
  /** OCI's media types, or Docker's. */
  readonly isOci: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ExportedManifest {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly FormattedLayer[];
}

export interface ExportPush {
  readonly credentials: AuthConfig;
  onProgress?(progress: PushProgress): void;
}

export interface StoreRequest {
  readonly manifest: Descriptor;
  /** What the names stand for: an index with the manifest in it, or the manifest. */
  readonly root: Descriptor;
  /** As the client wrote them; none leaves it dangling. */
  readonly names: readonly string[];
}

export interface ImageExport extends Disposable {
  /** Throws `build.cancelled` and what packing throws. */
  manifest(wish: ManifestWish): Promise<ExportedManifest>;
  /** The blobs of layers, lowest first. Somebody holds the layers. */
  layers(
    keys: readonly LayerKey[],
    wish: Pick<ManifestWish, 'compression' | 'isOci' | 'epochNs'>,
  ): Promise<FormattedLayer[]>;
  /** The tar of something that is no layer. */
  pack(bytes: AsyncIterable<Buffer>, wish: Pick<ManifestWish, 'compression' | 'isOci'>): Promise<FormattedLayer>;
  /** A small blob of the export's own. */
  put(bytes: Uint8Array, mediaType: string, references?: readonly Digest[]): Descriptor;
  /** Everything a root points to, what is pointed to before what points, each once; the root last. */
  reachable(root: Descriptor): Promise<Descriptor[]>;
  readonly blobs: BlobSource;
  /** The bytes of an archive. */
  archive(request: LayoutRequest): AsyncGenerator<Buffer>;
  /** Under these names an image of the store: `manifest`, which is of `root`. Throws what unpacking throws. */
  store(request: StoreRequest): Promise<ImageRecord>;
  /** An image of the store, if it is one, has this name with a digest now, and this manifest: a push finds it again. */
  remember(id: Digest, repoDigest: string, manifest: Descriptor): Promise<void>;
  /** To the reference's tag, or by digest alone. Throws `registry.*`. */
  push(name: string, root: Descriptor, options: ExportPush): Promise<void>;
}

export function openImageExport(parts: ImageParts, signal: AbortSignal): ImageExport {
  const lease = parts.content.lease(`export ${randomUUID()}`, { isTransient: true });
  const { content } = parts;
  const put = (bytes: Uint8Array, mediaType: string, references: readonly Digest[] = []): Descriptor => {
    const { digest, sizeBytes } = content.put(bytes, { lease, references });
    return { mediaType, digest, size: sizeBytes };
  };
  const layers: ImageExport['layers'] = async (keys, { compression, isOci, epochNs }) => {
    const all: FormattedLayer[] = [];
    for (const key of keys) {
      const plain = await archived(parts, key, { lease, signal, epochNs });
      all.push(await recompressed(parts, plain, { compression, isOci, lease, signal }));
    }
    return all;
  };
  return {
    manifest: async (wish) => {
      const { isOci, annotations } = wish;
      const made = await layers(wish.layers, wish);
      const bytes = configOf(parts, wish, made);
      const config = put(bytes, isOci ? mediaTypes.ociConfig : mediaTypes.dockerConfig);
      const descriptors = made.map(({ descriptor }) => descriptor);
      const mediaType = isOci ? mediaTypes.ociManifest : mediaTypes.dockerManifest;
      const document = { mediaType, config, layers: descriptors, ...(annotations ? { annotations } : {}) };
      const references = [config, ...descriptors].map(({ digest }) => digest);
      return { manifest: put(encodeManifest(document), mediaType, references), config, layers: made };
    },
    layers,
    pack: async (bytes, { compression, isOci }) => {
      const plain = await ingested(parts, bytes, lease, signal);
      return recompressed(parts, plain, { compression, isOci, lease, signal });
    },
    put,
    reachable: (root) => reachable(content, root),
    blobs: content,
    archive: (request) => writeLayout(content, request),
    store: async ({ manifest, root, names }) => {
      const tags = names.map((name) => parseTag(name));
      const image = await adopt(parts, { manifest, root, tags, lease, signal });
      // compat: a build tags its image as `tag` does.
      for (const tag of tags) {
        parts.announce({ action: 'tag', id: image.id, attributes: { ...image.config.labels, name: tag } });
      }
      return image;
    },
    remember: (id, repoDigest, manifest) => remember(parts, id, repoDigest, manifest),
    push: async (name, root, { credentials, onProgress }) => {
      const reference = parseReference(name);
      await parts.registry.push(reference, root, content, {
        auth: credentials,
        signal,
        mountCandidates: (digest) => mountCandidates(parts, reference, digest),
        ...(onProgress ? { onProgress } : {}),
      });
    },
    [Symbol.dispose]: () => lease.release(),
  };
}

async function ingested(
  { content }: Pick<ImageParts, 'content'>,
  bytes: AsyncIterable<Buffer>,
  lease: Lease,
  signal: AbortSignal,
): Promise<FormattedLayer> {
  await using ingest = await content.ingest(`export ${randomUUID()}`, { lease });
  try {
    for await (const chunk of bytes) {
      if (signal.aborted) throw errors.cancelled();
      await ingest.write(chunk);
    }
    const { digest, sizeBytes } = await ingest.commit();
    return { diffId: digest, descriptor: { mediaType: mediaTypes.ociLayer, digest, size: sizeBytes } };
  } catch (error) {
    await ingest.abort();
    throw error;
  }
}

/** See `ImageExport`. */
export async function reachable(content: BlobSource, root: Descriptor): Promise<Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    if (found.has(descriptor.digest)) return;
    if (isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType)) {
      const document = parseManifest(await content.read(descriptor.digest, MAX_MANIFEST_BYTES), descriptor.mediaType);
      for (const child of childrenOf(document)) await visit(child);
    }
    found.set(descriptor.digest, descriptor);
  };
  await visit(root);
  return [...found.values()];
}
