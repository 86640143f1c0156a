/** `pull`: an image from a registry, unpacked while it comes in. */
import type { Digest } from '#base';
import { fullName, type PullProgress, parseReference, type Reference } from '#registry';
import { type Descriptor, formatPlatform, isLayerType, type Platform, selectPlatform } from '#specs';
import { adopt, readImage } from './adopt.ts';
import { collectGarbage } from './collect.ts';
import { errors } from './errors.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';
import type { LayerProgress, PullOptions } from './images.ts';
import { EarlyUnpacks } from './unpack-layers.ts';

/** What came of a pull that broke off is kept this long, so that the next try goes on where it was. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** One image, or with `allTags` those of all tags. Throws `registry.*`, and what unpacking throws. */
export async function pullImages(parts: ImageParts, text: string, options: PullOptions): Promise<ImageRecord[]> {
  const reference = parseReference(text);
  if (options.allTags !== true) {
    const pulled = await pullOne(parts, reference, options);
    tellOutcome(options, nameOf(reference), [pulled]);
    announce(parts, nameOf(reference), reference, [pulled]);
    return [pulled.image];
  }
  const tags = await parts.registry.tags(reference, { auth: options.credentials, signal: options.signal });
  const pulled: Pulled[] = [];
  for (const tag of tags) pulled.push(await pullOne(parts, { ...reference, tag, digest: undefined }, options));
  tellOutcome(options, reference.name, pulled);
  announce(parts, reference.name, reference, pulled);
  return pulled.map(({ image }) => image);
}

interface Pulled {
  readonly image: ImageRecord;
  readonly isNew: boolean;
}

/** compat: once, however many tags came. */
function tellOutcome({ onStatus }: PullOptions, name: string, pulled: readonly Pulled[]): void {
  const isNew = pulled.some((each) => each.isNew);
  onStatus?.(isNew ? `Status: Downloaded newer image for ${name}` : `Status: Image is up to date for ${name}`);
}

/** compat: one event, whatever came. */
function announce({ announce: tell }: ImageParts, id: string, { name }: Reference, pulled: readonly Pulled[]): void {
  const [first] = pulled;
  tell({ action: 'pull', id, attributes: { ...first?.image.config.labels, name } });
}

const nameOf = ({ name, tag, digest }: Reference): string =>
  digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`;

async function pullOne(parts: ImageParts, reference: Reference, options: PullOptions): Promise<Pulled> {
  const { onProgress, onStatus, signal } = options;
  const name = nameOf(reference);
  // compat: a digest is told with the full name in front of it.
  const label = reference.digest === undefined ? (reference.tag ?? 'latest') : fullName(name);
  const lease = parts.content.lease(`pull ${name}`);
  try {
    await using early = new EarlyUnpacks(parts, signal);
    let announced: readonly Descriptor[] = [];
    let isHere = false;
    const unpacked = unpackedBlobs(parts);
    const pulled = await parts.registry.pull(reference, parts.content, {
      lease,
      platform: options.platform ?? parts.host,
      auth: options.credentials,
      ...(signal ? { signal } : {}),
      onManifest: ({ document }) => {
        // compat: not before the registry has answered; and layers of an image that is here are not spoken of.
        onStatus?.(`Pulling from ${reference.path}`, label);
        isHere = parts.index.get(document.config.digest) !== undefined;
        if (!isHere) announced = document.layers;
      },
      onProgress: (progress) => {
        if (!isHere) onProgress?.(inDockersWords(progress));
      },
      onLayer: ({ digest, mediaType }) => {
        if (isLayerType(mediaType) && !isHere && !unpacked.has(digest)) early.start(digest, { isVerified: false });
      },
    });
    // compat: an image for another platform is taken when nothing else is there, unless one was asked for.
    refusePlatform((await readImage(parts, pulled.manifest)).config.platform, options, name);
    const before = parts.index.named(name);
    const image = await adopt(parts, {
      manifest: pulled.manifest,
      lease,
      tags: reference.digest === undefined ? [name] : [],
      repoDigests: [`${reference.name}@${pulled.root.digest}`],
      early,
      ...(signal ? { signal } : {}),
      onProgress: (progress) => onProgress?.(progress),
    });
    for (const { digest } of announced) onProgress?.({ id: digest, status: 'Pull complete' });
    onStatus?.(`Digest: ${pulled.root.digest}`);
    lease.release();
    return { image, isNew: before?.id !== image.id };
  } catch (error) {
    lease.keepFor(KEPT_MS);
    throw error;
  } finally {
    await collectGarbage(parts);
  }
}

/** Blobs whose layers are unpacked already, as far as images tell. */
function unpackedBlobs({ index, content, layers }: ImageParts): Set<Digest> {
  const blobs = new Set<Digest>();
  for (const image of index.list()) {
    for (const { digest } of image.manifests) {
      // A manifest refers to its config first, then to the layers in their order.
      const [, ...references] = content.stat(digest)?.references ?? [];
      for (const [at, blob] of references.entries()) {
        const key = image.layers[at]?.key;
        if (key !== undefined && layers.get(key)) blobs.add(blob);
      }
    }
  }
  return blobs;
}

/** compat: Docker's words for an image that is not what `--platform` asked for. */
function refusePlatform(platform: Platform, { platform: wanted }: PullOptions, name: string): void {
  if (wanted && platform.architecture !== '' && !selectPlatform([{ platform }], wanted)) {
    throw errors.otherPlatform(name, formatPlatform(wanted), formatPlatform(platform));
  }
}

const WORDS: Readonly<Record<Exclude<PullProgress['kind'], 'downloading' | 'retrying'>, string>> = {
  'pulling-fs-layer': 'Pulling fs layer',
  waiting: 'Waiting',
  verifying: 'Verifying Checksum',
  'download-complete': 'Download complete',
  'already-exists': 'Already exists',
};

function inDockersWords(progress: PullProgress): LayerProgress {
  const id: Digest = progress.digest;
  switch (progress.kind) {
    case 'downloading':
      return { id, status: 'Downloading', current: progress.current, total: progress.total };
    case 'retrying':
      return { id, status: `Retrying in ${progress.inSeconds} second${progress.inSeconds === 1 ? '' : 's'}` };
    default:
      return { id, status: WORDS[progress.kind] };
  }
}
