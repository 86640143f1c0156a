/**
 * What images an archive holds: Docker's `manifest.json`, or an OCI layout's `index.json`, or both.
 *
 * Where both are there the layout says which manifests there are, byte for byte, and Docker's list adds names.
 */
import type { Digest } from '#base';
import { parseTag } from '#registry';
import {
  childrenOf,
  type Descriptor,
  Fields,
  isIndexType,
  isManifestType,
  type Manifest,
  MAX_MANIFEST_BYTES,
  mediaTypes,
  parseManifest,
  type Platform,
  parseDocument,
  parseImageConfig,
  selectPlatform,
} from '#specs';
import type { ContentStore, Lease } from '../content/content-store.ts';
import { layerType, putManifest } from '../create-image.ts';
import { errors } from '../errors.ts';
import type { StoredFile, StoredFiles } from './store-entries.ts';

export interface ArchivedImage {
  readonly manifest: Descriptor;
  /** `name:tag`. */
  readonly tags: readonly string[];
  /** The index it is of, when all of that is in the archive, and no single platform was asked for. */
  readonly root?: Descriptor;
}

export interface ReadArchiveRequest {
  readonly content: ContentStore;
  readonly lease: Lease;
  readonly files: StoredFiles;
  /** Chosen where the archive has several. */
  readonly platform: Platform;
  /** Refuse what is for another. */
  readonly isPlatformGiven: boolean;
}

/** Throws `image.badArchive`, `oci.*`. */
export async function readArchive(request: ReadArchiveRequest): Promise<ArchivedImage[]> {
  const { files } = request;
  const list = files.get('manifest.json');
  const index = files.get('index.json');
  const listed = list ? await dockerImages(request, list) : [];
  if (index && files.has('oci-layout')) {
    const found = await layoutImages(request, index, listed);
    if (found.length > 0 || !list) return found;
  }
  if (list) {
    const fitting: ArchivedImage[] = [];
    for (const { config, image } of listed) if (await fits(request, config)) fitting.push(image());
    return fitting;
  }
  throw errors.badArchive('it has neither a manifest.json (docker save) nor an index.json (OCI layout)');
}

/** Whether an image is for the platform that was asked for, by its config; any is where none was. */
async function fits({ content, platform, isPlatformGiven }: ReadArchiveRequest, config: Digest): Promise<boolean> {
  if (!isPlatformGiven) return true;
  const image = parseImageConfig(await content.read(config, MAX_MANIFEST_BYTES));
  return selectPlatform([image], platform) !== undefined;
}

interface ListedImage {
  readonly config: Digest;
  readonly tags: readonly string[];
  /** Made when it is needed: archives with a layout have their own manifests. */
  readonly image: () => ArchivedImage;
}

/** `[{"Config": …, "RepoTags": […], "Layers": […]}]` */
async function dockerImages(request: ReadArchiveRequest, list: StoredFile): Promise<ListedImage[]> {
  const what = 'manifest.json';
  const text = (await request.content.read(list.digest, MAX_MANIFEST_BYTES)).toString();
  // A list is no object: wrapped, it is read by the same rules as everything foreign.
  const entries = new Fields(parseDocument(`{"images":${text}}`, what), what, '').objects('images') ?? [];
  return entries.map((entry) => {
    const config = fileAt(request, entry.requiredText('Config'));
    const tags = (entry.texts('RepoTags') ?? []).map(parseTag);
    return {
      config: config.digest,
      tags,
      image: () => {
        const layers = (entry.texts('Layers') ?? []).map((path) => {
          const { digest, sizeBytes: size, format } = fileAt(request, path);
          return { mediaType: layerType(format), digest, size };
        });
        const { digest, sizeBytes: size } = config;
        const manifest = putManifest(request, request.lease, {
          mediaType: layers.some(({ mediaType }) => mediaType === mediaTypes.ociLayerZstd)
            ? mediaTypes.ociManifest
            : mediaTypes.dockerManifest,
          config: { mediaType: mediaTypes.dockerConfig, digest, size },
          layers,
        });
        return { manifest, tags };
      },
    };
  });
}

function fileAt({ files }: ReadArchiveRequest, path: string): StoredFile {
  const file = files.get(path.replace(/^(?:\.\/|\/)+/, ''));
  if (!file) throw errors.badArchive(`its manifest.json names ${path}, which is not in it`);
  return file;
}

async function layoutImages(
  request: ReadArchiveRequest,
  index: StoredFile,
  listed: readonly ListedImage[],
): Promise<ArchivedImage[]> {
  const bytes = await request.content.read(index.digest, MAX_MANIFEST_BYTES);
  const root = parseManifest(bytes, mediaTypes.ociIndex);
  if (root.kind !== 'index') throw errors.badArchive('its index.json is no index');
  const images: ArchivedImage[] = [];
  for (const descriptor of root.manifests) {
    if (descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') continue;
    const found = await chosenManifest(request, descriptor);
    if (!found) continue;
    const own = namesOf(descriptor);
    const others = listed.filter(({ config }) => config === found.config).flatMap(({ tags }) => tags);
    const isKept =
      isIndexType(descriptor.mediaType) && !request.isPlatformGiven && (await isAllHere(request, descriptor));
    images.push({
      manifest: found.descriptor,
      tags: [...new Set([...own, ...others])],
      ...(isKept ? { root: descriptor } : {}),
    });
  }
  return images;
}

/** The image manifest a descriptor stands for: itself, or the one of an index that fits the platform. */
async function chosenManifest(
  request: ReadArchiveRequest,
  descriptor: Descriptor,
  depth = 0,
): Promise<{ descriptor: Descriptor; config: Digest } | undefined> {
  const { content, lease } = request;
  if (!content.stat(descriptor.digest)) return undefined;
  const manifest = parseManifest(await content.read(descriptor.digest, MAX_MANIFEST_BYTES), descriptor.mediaType);
  if (manifest.kind === 'manifest') {
    if (!childrenOf(manifest).every(({ digest }) => content.stat(digest))) return undefined;
    for (const each of [descriptor, ...childrenOf(manifest)]) checkSize(content, each);
    const isFitting = descriptor.platform
      ? !request.isPlatformGiven || selectPlatform([descriptor], request.platform) !== undefined
      : await fits(request, manifest.config.digest);
    if (!isFitting) return undefined;
    refer(content, lease, descriptor.digest, manifest, await content.read(descriptor.digest, MAX_MANIFEST_BYTES));
    return { descriptor, config: manifest.config.digest };
  }
  if (depth > 4) throw errors.badArchive('its indexes are nested too deeply');
  const here = manifest.manifests.filter(
    ({ digest, mediaType }) => content.stat(digest) && (isManifestType(mediaType) || isIndexType(mediaType)),
  );
  const best = selectPlatform(here, request.platform) ?? (request.isPlatformGiven ? undefined : here[0]);
  return best && chosenManifest(request, best, depth + 1);
}

/** Whether all an index names is in the archive; the store is then told what needs what. */
async function isAllHere(request: ReadArchiveRequest, descriptor: Descriptor, depth = 0): Promise<boolean> {
  const { content, lease } = request;
  if (depth > 4 || !content.stat(descriptor.digest)) return false;
  checkSize(content, descriptor);
  if (!isManifestType(descriptor.mediaType) && !isIndexType(descriptor.mediaType)) return true;
  const bytes = await content.read(descriptor.digest, MAX_MANIFEST_BYTES);
  const document = parseManifest(bytes, descriptor.mediaType);
  for (const child of childrenOf(document)) if (!(await isAllHere(request, child, depth + 1))) return false;
  refer(content, lease, descriptor.digest, document, bytes);
  return true;
}

/** A wrong size would make every archive and push of the image wrong. */
function checkSize(content: ContentStore, { digest, size }: Descriptor): void {
  const actual = content.stat(digest)?.sizeBytes;
  if (actual !== size) throw errors.badArchive(`${digest} has ${actual} bytes, not the ${size} it is listed with`);
}

/** Tells the store what a manifest needs, which it did not know when the bytes came in. */
function refer(content: ContentStore, lease: Lease, digest: Digest, manifest: Manifest, bytes: Buffer): void {
  content.put(bytes, { lease, digest, references: childrenOf(manifest).map((child) => child.digest) });
}

/** compat: Docker's and containerd's full name, else the layout's own if it is one. */
function namesOf({ annotations = {} }: Descriptor): string[] {
  const full = annotations['io.containerd.image.name'];
  const own = annotations['org.opencontainers.image.ref.name'];
  if (full !== undefined) return [parseTag(full)];
  if (own === undefined || !/[/:]/.test(own)) return [];
  try {
    return [parseTag(own)];
  } catch {
    return [];
  }
}
