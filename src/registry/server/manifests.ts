/** Manifests: kept and given back byte for byte. spec: distribution-spec, Pulling, Pushing and Deleting Manifests. */
import { digestOf, digestParts } from '#base';
import type { RequestContext } from '#rpc';
import { MAX_MANIFEST_BYTES, parseManifest } from '#specs';
import { isUnchanged, sendBytes, sendNothing } from './answers.ts';
import { errors } from './errors.ts';
import { findManifest, keepManifest } from './manifest-store.ts';
import { checkReferences } from './manifest-validation.ts';
import { addressOf, type RegistryParts, requireDeletable, requireWritable } from './parts.ts';
import { parseManifestReference, requireTag } from './paths.ts';

const MAX_TAGS = 100;

export async function getManifest(
  parts: RegistryParts,
  context: RequestContext,
  name: string,
  reference: string,
): Promise<void> {
  const { request, response } = context;
  const record = parts.upstream ? await parts.upstream.manifest(name, reference) : findManifest(parts, name, reference);
  if (!record || !parts.content.stat(record.digest)) throw errors.manifestUnknown(name, reference);
  response.setHeader('Docker-Content-Digest', record.digest);
  response.setHeader('ETag', `"${record.digest}"`);
  if (isUnchanged(request, record.digest)) return sendNothing(response, 304);
  if (request.method === 'HEAD') {
    response.writeHead(200, { 'Content-Type': record.mediaType, 'Content-Length': record.sizeBytes });
    response.end();
    return;
  }
  sendBytes(response, await parts.content.read(record.digest, MAX_MANIFEST_BYTES), record.mediaType);
}

export async function putManifest(
  parts: RegistryParts,
  context: RequestContext,
  name: string,
  reference: string,
): Promise<void> {
  requireWritable(parts);
  const { request, response, query } = context;
  const target = parseManifestReference(reference);
  const tags = 'tag' in target ? [target.tag] : query.getAll('tag').map(requireTag);
  if ('tag' in target && query.has('tag')) throw errors.tagsWithTag();
  if (tags.length > MAX_TAGS) throw errors.tooManyTags(MAX_TAGS);
  const expected = 'digest' in target ? target.digest : undefined;

  const bytes = await readManifest(context);
  const digest = digestOf(bytes, expected ? digestParts(expected).algorithm : 'sha256');
  if (expected && digest !== expected) throw errors.digestMismatch(expected, digest);
  const manifest = parseManifest(bytes, mediaTypeOf(request.headers['content-type']));
  keepManifest(parts, { name, digest, bytes, manifest, tags, references: checkReferences(parts, name, manifest) });

  sendNothing(response, 201, {
    Location: addressOf(parts, context, `/v2/${name}/manifests/${digest}`),
    'Docker-Content-Digest': digest,
    ...(manifest.subject ? { 'OCI-Subject': manifest.subject.digest } : {}),
    ...(expected && tags.length > 0 ? { 'OCI-Tag': tags } : {}),
  });
}

export function deleteManifest(
  parts: RegistryParts,
  { response }: RequestContext,
  name: string,
  reference: string,
): void {
  requireDeletable(parts);
  const record = findManifest(parts, name, reference);
  if (!record) throw errors.manifestUnknown(name, reference);
  const target = parseManifestReference(reference);
  if ('tag' in target) parts.repositories.removeTag(name, target.tag);
  else parts.repositories.removeManifest(name, record.digest);
  parts.collector.soon();
  sendNothing(response, 202);
}

/** Throws `distribution.manifestTooLarge`. */
async function readManifest({ request, acceptBody }: RequestContext): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_MANIFEST_BYTES) {
    throw errors.manifestTooLarge(MAX_MANIFEST_BYTES);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of acceptBody().iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MANIFEST_BYTES) throw errors.manifestTooLarge(MAX_MANIFEST_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Without parameters such as a charset. */
function mediaTypeOf(header: string | undefined): string | undefined {
  const type = header?.split(';')[0]?.trim();
  return type === '' ? undefined : type;
}
