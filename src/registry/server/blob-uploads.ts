/** Pushing blobs: at once, in two requests, in chunks, or by a mount. spec: distribution-spec, Pushing blobs. */
import { type Digest, digestParts, parseDigest } from '#base';
import type { RequestContext } from '#rpc';
import { sendNothing } from './answers.ts';
import { errors } from './errors.ts';
import { addressOf, type RegistryParts, requireSignature, requireWritable, uploadAddress } from './parts.ts';
import { isRepositoryName, requireDigest } from './paths.ts';
import { heldRange, parseContentRange, type Span } from './ranges.ts';
import type { Chunk } from './uploads.ts';

/** `POST …/blobs/uploads/`: begins an upload, is one, or mounts. */
export async function postUpload(parts: RegistryParts, context: RequestContext, name: string): Promise<void> {
  requireWritable(parts);
  const { query } = context;
  const mount = query.get('mount');
  if (mount !== null && mountBlob(parts, name, requireDigest(mount), query.get('from'))) {
    sendCreated(parts, context, name, requireDigest(mount));
    return;
  }
  const text = query.get('digest');
  const digest = text === null ? undefined : requireDigest(text);
  const id = parts.uploads.start(name, algorithmOf(query, digest ?? parseDigest(mount ?? '')));
  if (!digest) {
    sendAccepted(parts, context, { name, id, sizeBytes: 0 });
    return;
  }
  try {
    await finish(parts, context, { name, id, digest });
  } catch (error) {
    // Nobody knows its id.
    await parts.uploads.cancel(name, id).catch(() => {});
    throw error;
  }
}

/** `PATCH`: a chunk. */
export async function patchUpload(
  parts: RegistryParts,
  context: RequestContext,
  name: string,
  id: string,
): Promise<void> {
  requireWritable(parts);
  requireSignature(parts, context, name, id);
  await orTellWhereToGoOn(parts, context, { name, id }, async () => {
    const sizeBytes = await parts.uploads.append(name, id, chunkOf(context));
    sendAccepted(parts, context, { name, id, sizeBytes });
  });
}

/** `PUT`: the last chunk, which may be empty or the only one, and the digest of all. */
export async function putUpload(
  parts: RegistryParts,
  context: RequestContext,
  name: string,
  id: string,
): Promise<void> {
  requireWritable(parts);
  requireSignature(parts, context, name, id);
  const digest = requireDigest(context.query.get('digest') ?? '');
  await orTellWhereToGoOn(parts, context, { name, id }, () => finish(parts, context, { name, id, digest }));
}

/** `GET`: where to go on. */
export function getUpload(parts: RegistryParts, context: RequestContext, name: string, id: string): void {
  requireSignature(parts, context, name, id);
  const sizeBytes = parts.uploads.sizeOf(name, id);
  sendNothing(context.response, 204, {
    Location: uploadAddress(parts, context, name, id),
    Range: heldRange(sizeBytes),
    'Docker-Upload-UUID': id,
  });
}

/** `DELETE`: forgets it. */
export async function deleteUpload(
  parts: RegistryParts,
  context: RequestContext,
  name: string,
  id: string,
): Promise<void> {
  requireWritable(parts);
  requireSignature(parts, context, name, id);
  await parts.uploads.cancel(name, id);
  sendNothing(context.response, 204);
}

/** Whether the blob is in the repository now: from the one that is named, or from any where none is. */
function mountBlob(
  { repositories, content }: RegistryParts,
  name: string,
  digest: Digest,
  from: string | null,
): boolean {
  if (from !== null && !isRepositoryName(from)) throw errors.nameInvalid(from);
  const isThere = from === null ? repositories.isAnywhere(digest) : repositories.hasBlob(from, digest);
  if (!isThere || !content.stat(digest)) return false;
  repositories.addBlob(name, digest);
  return true;
}

interface Landing {
  readonly name: string;
  readonly id: string;
  readonly digest: Digest;
}

async function finish(parts: RegistryParts, context: RequestContext, { name, id, digest }: Landing): Promise<void> {
  await parts.uploads.finish(name, id, digest, chunkOf(context), () => parts.repositories.addBlob(name, digest));
  sendCreated(parts, context, name, digest);
}

function sendCreated(parts: RegistryParts, context: RequestContext, name: string, digest: Digest): void {
  sendNothing(context.response, 201, {
    Location: addressOf(parts, context, `/v2/${name}/blobs/${digest}`),
    'Docker-Content-Digest': digest,
  });
}

interface Progress {
  readonly name: string;
  readonly id: string;
  readonly sizeBytes: number;
}

function sendAccepted(parts: RegistryParts, context: RequestContext, { name, id, sizeBytes }: Progress): void {
  sendNothing(context.response, 202, {
    Location: uploadAddress(parts, context, name, id),
    Range: heldRange(sizeBytes),
    'Docker-Upload-UUID': id,
  });
}

/** Takes a chunk. The answer to one that is refused tells what is here, as long as the upload goes on. */
async function orTellWhereToGoOn(
  parts: RegistryParts,
  context: RequestContext,
  { name, id }: Pick<Landing, 'name' | 'id'>,
  take: () => Promise<void>,
): Promise<void> {
  try {
    await take();
  } catch (error) {
    if (!context.response.headersSent && parts.uploads.isOpen(name, id)) {
      context.response.setHeader('Range', heldRange(parts.uploads.sizeOf(name, id)));
      context.response.setHeader('Location', uploadAddress(parts, context, name, id));
    }
    throw error;
  }
}

function chunkOf({ request, acceptBody }: RequestContext): Chunk {
  const header = request.headers['content-range'];
  return { body: acceptBody, range: header === undefined ? undefined : contentRange(header) };
}

function contentRange(header: string): Span {
  const range = parseContentRange(header);
  if (!range) throw errors.uploadInvalid(`invalid Content-Range '${header}': give the first and last byte, as in 0-99`);
  return range;
}

/** Of the digest that will be, or the one that is asked for. Throws `distribution.algorithmUnknown`. */
function algorithmOf(query: URLSearchParams, digest: Digest | undefined): 'sha256' | 'sha512' {
  const wish = query.get('digest-algorithm') ?? (digest ? digestParts(digest).algorithm : 'sha256');
  if (wish !== 'sha256' && wish !== 'sha512') throw errors.algorithmUnknown(wish);
  return wish;
}
