/** Reading and deleting blobs. spec: distribution-spec, Pulling blobs, Deleting Blobs. */
import type { Digest } from '#base';
import type { RequestContext } from '#rpc';
import { sendNothing } from './answers.ts';
import { sendBlob } from './blob-answer.ts';
import { errors } from './errors.ts';
import { type RegistryParts, requireDeletable } from './parts.ts';

export async function getBlob(
  parts: RegistryParts,
  context: RequestContext,
  name: string,
  digest: Digest,
): Promise<void> {
  const { repositories, content, upstream } = parts;
  const blob = repositories.hasBlob(name, digest) ? content.stat(digest) : undefined;
  if (blob) await sendBlob(context, digest, blob.sizeBytes, (span) => content.open(digest, span));
  else if (upstream) await upstream.sendBlob(context, name, digest);
  else throw errors.blobUnknown(name, digest);
}

export function deleteBlob(parts: RegistryParts, { response }: RequestContext, name: string, digest: Digest): void {
  requireDeletable(parts);
  if (!parts.repositories.hasBlob(name, digest)) throw errors.blobUnknown(name, digest);
  parts.repositories.removeBlobs(name, [digest]);
  parts.collector.soon();
  sendNothing(response, 202);
}
