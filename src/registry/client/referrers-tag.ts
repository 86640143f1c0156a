/** The list of what refers to a manifest, kept under a tag by clients where the registry keeps none itself. */
import { type Digest, digestOf } from '#base';
import { type Descriptor, mediaTypes } from '#specs';
import { referrersOfTag, referrersTag } from './discovery.ts';
import { putManifest } from './manifests.ts';
import type { Repository } from './repository.ts';

/**
 * Adds one to the list of a subject. spec: Pushing Manifests with Subject; two clients that do it at the same time may
 * lose an entry, which the specification accepts.
 */
export async function addReferrer(
  repository: Repository,
  subject: Digest,
  referrer: Descriptor,
  answerMs: number,
): Promise<void> {
  const before = await referrersOfTag(repository, subject);
  if (before.some(({ digest }) => digest === referrer.digest)) return;
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...before, referrer] };
  const bytes = Buffer.from(JSON.stringify(index));
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length };
  await putManifest(repository, { target: referrersTag(subject), descriptor, bytes }, answerMs);
}
