/**
 * An image, or an index with several, as one archive: an OCI layout, and for Docker's format also the list `docker load`
 * reads. The same blobs give the same bytes: names in order, no times.
 */
import { digestParts } from '#base';
import type { BlobSource } from '#registry';
import { fullName, repositoryOf } from '#registry';
import { type Descriptor, MAX_MANIFEST_BYTES, mediaTypes, parseManifest, platformJson } from '#specs';
import { encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import { blobPath, folderEntry, jsonEntry } from './layout-entries.ts';

export interface LayoutRequest {
  readonly root: Descriptor;
  /** All of it, `root` included. */
  readonly blobs: readonly Descriptor[];
  /** `name:tag`. */
  readonly names: readonly string[];
  /** Also Docker's list; the root is then the manifest of one image. */
  readonly isDocker: boolean;
  /** RFC 3339. */
  readonly createdAt: string;
}

export async function* writeLayout(content: BlobSource, request: LayoutRequest): AsyncGenerator<Buffer> {
  const { root, isDocker } = request;
  yield folderEntry('blobs');
  const blobs = new Map(request.blobs.map(({ digest, size }) => [digest, size]));
  for (const algorithm of new Set([...blobs.keys()].map((digest) => digestParts(digest).algorithm))) {
    yield folderEntry(`blobs/${algorithm}`);
  }
  for (const [digest, size] of [...blobs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield encodeTarEntry(tarEntry(blobPath(digest), 'file', { size }));
    for await (const chunk of content.open(digest) as AsyncIterable<Buffer>) yield chunk;
    yield tarPadding(size);
  }
  yield* jsonEntry('index.json', layoutIndex(request));
  if (isDocker) yield* jsonEntry('manifest.json', await dockerList(content, root, request.names));
  yield* jsonEntry('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield TAR_END;
}

/** compat: containerd's annotations for a name. */
export function layoutIndex({ root, names, createdAt }: Omit<LayoutRequest, 'blobs' | 'isDocker'>): object {
  const { mediaType, digest, size, platform } = root;
  const base = { mediaType, digest, size };
  const created = { 'org.opencontainers.image.created': createdAt, ...root.annotations };
  const more = platform ? { platform: platformJson(platform) } : {};
  const entries =
    names.length === 0
      ? [{ ...base, annotations: created, ...more }]
      : names.map((name) => ({
          ...base,
          annotations: {
            ...created,
            'io.containerd.image.name': fullName(name),
            'org.opencontainers.image.ref.name': name.slice(repositoryOf(name).length + 1),
          },
          ...more,
        }));
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries };
}

async function dockerList(content: BlobSource, root: Descriptor, names: readonly string[]): Promise<object> {
  const manifest = parseManifest(await content.read(root.digest, MAX_MANIFEST_BYTES), root.mediaType);
  if (manifest.kind === 'index') throw new TypeError('the list of an archive in Docker’s format is of one image');
  return [
    {
      Config: blobPath(manifest.config.digest),
      RepoTags: names.length === 0 ? null : names,
      Layers: manifest.layers.map(({ digest }) => blobPath(digest)),
    },
  ];
}
