/** What the names of an image stand for, as newer clients show it (`docker image ls --tree`). */
import type { EngineParts } from '#engine';
import type { ImageMember, ImageRecord } from '#images';
import { fullName } from '#registry';
import { descriptorJson, platformJson } from '#specs';
import { errors } from '../../errors.ts';
import { boolean } from '../../query.ts';

/**
 * Images for platforms, and what was attested of them; of an image alone its manifests, the newest first. With `identity`
 * where they have come from.
 */
export async function manifestsOf(
  parts: EngineParts,
  image: ImageRecord,
  { identity = false } = {},
): Promise<object[]> {
  const members = await parts.images.members(image);
  const origin = identity ? { Identity: identityOf(image) } : {};
  return members.map((member) => {
    const { kind, descriptor, contentBytes = 0 } = member;
    const unpacked = kind === 'image' ? (member.image?.sizeBytes ?? 0) : 0;
    return {
      ID: descriptor.digest,
      Descriptor: descriptorJson(descriptor),
      Available: member.contentBytes !== undefined,
      Size: { Content: contentBytes, Total: contentBytes + unpacked },
      Kind: kind,
      ...(kind === 'image' ? { ImageData: { ...imageData(parts, member, unpacked), ...origin } } : {}),
      ...(kind === 'attestation' ? { AttestationData: { For: member.about } } : {}),
    };
  });
}

function imageData({ containers }: EngineParts, { image, platform }: ImageMember, unpacked: number): object {
  const users = containers.list().filter(({ imageId }) => imageId === image?.id);
  return {
    ...(platform ? { Platform: platformJson(platform) } : {}),
    Containers: users.map(({ id }) => id),
    Size: { Unpacked: unpacked },
  };
}

/** The repositories it was pulled from or pushed to, as registries have confirmed; null where there are none. */
function identityOf({ repoDigests }: ImageRecord): object | null {
  const repositories = new Set(repoDigests.map((name) => fullName(name.slice(0, name.indexOf('@')))));
  return repositories.size === 0 ? null : { Pull: [...repositories].map((Repository) => ({ Repository })) };
}

/** Throws `api.invalid` when it is asked for without what it is part of. */
export function wantsIdentity(query: URLSearchParams): boolean {
  const wants = boolean(query, 'identity');
  if (wants && !boolean(query, 'manifests')) throw errors.invalid('identity requires manifests');
  return wants;
}
