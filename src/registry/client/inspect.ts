/** What a registry says of an image without pulling it: its descriptor and the platforms it is for. */
import { type ImageManifest, isConfigType, parseImageConfig, type Platform } from '#specs';
import type { Reference } from '../reference.ts';
import { fetchSmallBlob } from './blobs.ts';
import { fetchManifest } from './manifests.ts';
import type { RemoteImage } from './registry-client.ts';
import type { Repository } from './repository.ts';

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Throws as `fetchManifest`. */
export async function inspectImage(repository: Repository, reference: Reference): Promise<RemoteImage> {
  const { descriptor, bytes, manifest } = await fetchManifest(repository, reference);
  const platforms =
    manifest.kind === 'index'
      ? manifest.manifests.flatMap(({ platform }) => platform ?? [])
      : await platformOf(repository, manifest);
  return { descriptor, bytes, manifest, platforms };
}

/** Of its config; none for an artifact, whose config says nothing of platforms. */
async function platformOf(repository: Repository, { config }: ImageManifest): Promise<Platform[]> {
  if (!isConfigType(config.mediaType)) return [];
  const { platform } = parseImageConfig(await fetchSmallBlob(repository, config, MAX_CONFIG_BYTES));
  return platform.os === '' && platform.architecture === '' ? [] : [platform];
}
