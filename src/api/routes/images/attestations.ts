/** GET /images/{name}/attestations: what a builder said of an image, which nothing keeps here. */
import type { EngineParts } from '#engine';
import { withTag } from '#images';
import type { RequestContext } from '#rpc';
import { errors } from '../../errors.ts';
import { checkWantedPlatform } from './platform.ts';

/** Throws `api.noSuchImage`, `image.otherPlatform`, and always `api.unsupported` in the end. */
export async function listAttestations(parts: EngineParts, { params, query }: RequestContext): Promise<never> {
  const name = params['name']!;
  const image = await parts.images.find(name);
  if (!image) throw errors.noSuchImage(withTag(name));
  checkWantedPlatform(query, name, image);
  throw errors.unsupported('reading attestations', 'an image is kept without what its builder attested');
}
