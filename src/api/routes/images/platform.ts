/** The platform a request asks for. */
import { hostPlatform } from '#images';
import { normalizePlatform, parsePlatform, type Platform } from '#specs';
import { errors } from '../../errors.ts';

/**
 * compat: `os/arch/variant` (create, import), or the JSON of an OCI platform (everything newer). Undefined when the
 * request leaves the choice. Throws `oci.badPlatform`, `api.invalid`.
 */
export function platformOf(query: URLSearchParams): Platform | undefined {
  const text = query.get('platform');
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
