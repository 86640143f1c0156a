/** The platform a request asks for, and the image for it. */
import type { EngineParts } from '#engine';
import { hostPlatform, type ImageRecord, withTag } from '#images';
import { normalizePlatform, parsePlatform, type Platform } from '#specs';
import { errors } from '../../errors.ts';

/**
 * compat: `os/arch/variant` (create, import), or the JSON of an OCI platform (everything newer). Undefined when the
 * request leaves the choice. Throws `oci.badPlatform`, `api.invalid`.
 */
export function platformOf(query: URLSearchParams): Platform | undefined {
  const [text = null, ...more] = query.getAll('platform');
  if (more.length > 0)
    throw errors.unsupported('choosing several platforms', 'ask for one, or for all by leaving it out');
  if (text === null || text === '') return undefined;
  if (!text.startsWith('{')) return parsePlatform(text, hostPlatform());
  try {
    const { os, architecture, variant } = JSON.parse(text) as Record<string, unknown>;
    if (typeof os === 'string' && typeof architecture === 'string' && os !== '' && architecture !== '') {
      return normalizePlatform({
        os,
        architecture,
        ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
      });
    }
  } catch {
    // Told below, as what is no platform.
  }
  throw errors.invalid(`invalid platform: ${text}`);
}

/** What a name stands for, or the image for the platform the request asks for. Throws `api.noSuchImage`, `image.otherPlatform`. */
export async function imageOf({ images }: EngineParts, name: string, query: URLSearchParams): Promise<ImageRecord> {
  const wanted = platformOf(query);
  const image = await images.find(name);
  if (!image) throw errors.noSuchImage(withTag(name));
  return wanted ? images.lookAt(name, wanted) : image;
}
