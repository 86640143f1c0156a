/** What the names of an image stand for, as newer clients show it (`docker image ls --tree`). */
import type { EngineParts } from '#engine';
import type { ImageMember, ImageRecord } from '#images';
import { descriptorJson, platformJson } from '#specs';
import { errors } from '../../errors.ts';

/** Images for platforms, and what was attested of them; of an image alone its manifests, the newest first. */
export async function manifestsOf(parts: EngineParts, image: ImageRecord): Promise<object[]> {
  const members = await parts.images.members(image);
  return members.map((member) => {
    const { kind, descriptor, contentBytes = 0 } = member;
    const unpacked = kind === 'image' ? (member.image?.sizeBytes ?? 0) : 0;
    return {
      ID: descriptor.digest,
      Descriptor: descriptorJson(descriptor),
      Available: member.contentBytes !== undefined,
      Size: { Content: contentBytes, Total: contentBytes + unpacked },
      Kind: kind,
      ...(kind === 'image' ? { ImageData: imageData(parts, member, unpacked) } : {}),
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

/** Of API versions above ours, and nothing here knows who signed what. */
export function refuseIdentity(query: URLSearchParams): void {
  if (query.has('identity')) throw errors.unsupported("'identity'", 'nothing is known of signatures');
}
