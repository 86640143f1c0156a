/** The build cache inside of an image that is here. */
import type { Images, BuildLayers } from '#images';
import { MAX_MANIFEST_BYTES, parseManifest } from '#specs';
import { errors } from '../errors.ts';
import type { ImportedCache } from '../export/export-wish.ts';
import { importCache } from './import-cache.ts';

export interface ImageCacheParts {
  readonly images: Pick<Images, 'find'>;
  readonly layers: Pick<BuildLayers, 'export'>;
}

/** Throws `build.notFound` for an image that is not here, and `build.badCache`. */
export async function imageCache(
  { images, layers }: ImageCacheParts,
  name: string,
  signal: AbortSignal,
): Promise<ImportedCache> {
  const manifest = (await images.find(name))?.manifests[0];
  if (!manifest) throw errors.notFound(name);
  using content = layers.export(signal);
  const root = parseManifest(await content.blobs.read(manifest.digest, MAX_MANIFEST_BYTES), manifest.mediaType);
  return importCache({
    root,
    read: ({ digest }, limitBytes) => content.blobs.read(digest, limitBytes),
    // Its layers are unpacked here. When it is removed meanwhile, the step is run.
    fetch: async ({ digest }) => {
      throw errors.notFound(digest);
    },
  });
}
