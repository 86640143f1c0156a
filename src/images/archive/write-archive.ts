/**
 * Writes images as one archive that is both an OCI layout and what `docker load` reads: blobs by digest, `index.json`
 * with the manifests as they are, and Docker's `manifest.json` and `repositories`. The same images give the same bytes.
 */
import { type Digest, digestParts } from '#base';
import { fullName, repositoryOf } from '#registry';
import { type Descriptor, type ImageManifest, isIndexType, mediaTypes, type Platform, platformJson } from '#specs';
import { encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import type { ContentStore } from '../content/content-store.ts';
import { blobPath, folderEntry, jsonEntry } from './layout-entries.ts';

/** What a name stands for beyond the image. */
export interface SavedRoot {
  readonly tag: string;
  readonly root: Descriptor;
  /** All of it, itself included. */
  readonly blobs: readonly Descriptor[];
}

export interface SavedImage {
  readonly platform: Platform;
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  /** By the names that have one; '' for an image without a name. */
  readonly roots: readonly SavedRoot[];
  /** `name:tag`: those the user asked for. */
  readonly tags: readonly string[];
}

export async function* writeArchive(content: ContentStore, images: readonly SavedImage[]): AsyncGenerator<Buffer> {
  yield folderEntry('blobs');
  const blobs = new Map<Digest, number>();
  for (const { descriptor, manifest, roots } of images) {
    const own = [descriptor, manifest.config, ...manifest.layers, ...roots.flatMap((each) => each.blobs)];
    for (const { digest, size } of own) blobs.set(digest, size);
  }
  for (const algorithm of new Set([...blobs.keys()].map((digest) => digestParts(digest).algorithm))) {
    yield folderEntry(`blobs/${algorithm}`);
  }
  for (const [digest, size] of [...blobs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield encodeTarEntry(tarEntry(blobPath(digest), 'file', { size }));
    for await (const chunk of content.open(digest) as AsyncIterable<Buffer>) yield chunk;
    yield tarPadding(size);
  }
  yield* jsonEntry('index.json', layoutIndex(images));
  yield* jsonEntry('manifest.json', dockerList(images));
  yield* jsonEntry('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield* jsonEntry('repositories', repositories(images));
  yield TAR_END;
}

function layoutIndex(images: readonly SavedImage[]): object {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.flatMap(({ platform, descriptor, tags, roots }) => {
      const entry = (name: string): object => {
        const { mediaType, digest, size } = roots.find(({ tag }) => tag === name)?.root ?? descriptor;
        // An index is for several.
        return { mediaType, digest, size, ...(isIndexType(mediaType) ? {} : { platform: platformJson(platform) }) };
      };
      if (tags.length === 0) return [entry('')];
      return tags.map((tag) => ({
        ...entry(tag),
        annotations: {
          // compat: containerd's names have Docker Hub's host and `library/` written out.
          'io.containerd.image.name': fullName(tag),
          'org.opencontainers.image.ref.name': tag.slice(repositoryOf(tag).length + 1),
        },
      }));
    }),
  };
}

function dockerList(images: readonly SavedImage[]): object {
  return images.map(({ manifest, tags }) => ({
    Config: blobPath(manifest.config.digest),
    RepoTags: tags.length === 0 ? null : tags,
    Layers: manifest.layers.map(({ digest }) => blobPath(digest)),
  }));
}

/** compat: by repository and tag the topmost layer, for readers of the oldest format. */
function repositories(images: readonly SavedImage[]): object {
  const all: Record<string, Record<string, string>> = {};
  for (const { manifest, tags } of images) {
    for (const tag of tags) {
      const repository = repositoryOf(tag);
      const top = manifest.layers.at(-1)?.digest ?? manifest.config.digest;
      (all[repository] ??= {})[tag.slice(repository.length + 1)] = digestParts(top).hex;
    }
  }
  return all;
}
