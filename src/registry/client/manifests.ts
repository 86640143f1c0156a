/** Manifests: what a tag stands for, documents with their bytes verified, pushing and removing them. */
import { type Digest, digestOf, digestParts, parseDigest } from '#base';
import { acceptedManifests, type Descriptor, MAX_MANIFEST_BYTES, parseManifest } from '#specs';
import { errors, RegistryRefusal } from '../errors.ts';
import type { Reference } from '../reference.ts';
import { discard, type HttpAnswer, readSmall } from './connections.ts';
import { requestName } from './failures.ts';
import type { FetchedManifest } from './registry-client.ts';
import type { Repository } from './repository.ts';

const ACCEPT = { Accept: acceptedManifests.join(', ') };

/** What stands behind `@` or `:`; `latest` when there is neither. Throws `registry.unsupportedDigest`. */
export function targetOf(reference: Pick<Reference, 'tag' | 'digest'>): { target: string; digest: Digest | undefined } {
  if (reference.digest === undefined) return { target: reference.tag ?? 'latest', digest: undefined };
  const digest = parseDigest(reference.digest);
  if (!digest) throw errors.unsupportedDigest(reference.digest);
  return { target: digest, digest };
}

/** What a reference stands for, and its document when it had to be read to know. */
export interface Located {
  readonly descriptor: Descriptor;
  readonly fetched?: FetchedManifest;
}

/**
 * The descriptor of a tag or digest, by HEAD where the registry answers it fully, else by reading the document.
 * Throws a `RegistryRefusal`, `registry.wrongDigest`.
 */
export async function locateManifest(
  repository: Repository,
  reference: Pick<Reference, 'tag' | 'digest'>,
): Promise<Located> {
  const { target, digest } = targetOf(reference);
  const path = repository.path(`manifests/${target}`);
  const quick = await repository
    .fromAny(
      () => ({ method: 'HEAD', path, headers: ACCEPT }),
      async (answer) => {
        discard(answer);
        return headDescriptor(answer, digest);
      },
    )
    .catch((error: unknown) => {
      // An answer to HEAD says not why; and some registries do not know the method. GET tells.
      if (error instanceof RegistryRefusal && error.status < 500) return undefined;
      throw error;
    });
  if (quick) return { descriptor: quick };
  const fetched = await fetchManifest(repository, reference);
  return { descriptor: fetched.descriptor, fetched };
}

/** What a HEAD says; undefined when it does not say all of it. Throws `registry.wrongDigest`. */
function headDescriptor({ headers, url }: HttpAnswer, expected: Digest | undefined): Descriptor | undefined {
  const digest = parseDigest(String(headers['docker-content-digest'] ?? '')) ?? expected;
  const mediaType = mediaTypeOf(headers['content-type']);
  const size = Number(headers['content-length'] ?? '');
  if (!digest || !mediaType || !acceptedManifests.includes(mediaType) || !Number.isSafeInteger(size) || size <= 0) {
    return undefined;
  }
  if (expected && digest !== expected) throw errors.wrongDigest(requestName('HEAD', url), digest, expected);
  return { mediaType, digest, size };
}

/**
 * The document with its bytes. Its digest is the one asked for, or the one the registry says.
 * Throws a `RegistryRefusal`, `registry.tooLarge`, `registry.wrongDigest`, and as `parseManifest`.
 */
export function fetchManifest(
  repository: Repository,
  reference: Pick<Reference, 'tag' | 'digest'>,
): Promise<FetchedManifest> {
  const { target, digest } = targetOf(reference);
  const request = { method: 'GET', path: repository.path(`manifests/${target}`), headers: ACCEPT } as const;
  return repository.fromAny(
    () => request,
    async (answer) => {
      const name = requestName('GET', answer.url);
      const declared = Number(answer.headers['content-length'] ?? 0);
      if (declared > MAX_MANIFEST_BYTES) {
        answer.body.destroy();
        throw errors.tooLarge(name, MAX_MANIFEST_BYTES);
      }
      const bytes = await readSmall(answer, MAX_MANIFEST_BYTES, repository.stallMs, repository.signal);
      if (bytes.length < declared) throw errors.truncated(name, bytes.length, declared);
      const expected = digest ?? parseDigest(String(answer.headers['docker-content-digest'] ?? ''));
      const actual = digestOf(bytes, expected ? digestParts(expected).algorithm : 'sha256');
      if (expected && actual !== expected) throw errors.wrongDigest(name, actual, expected);
      const manifest = parseManifest(bytes, mediaTypeOf(answer.headers['content-type']));
      return { descriptor: { mediaType: manifest.mediaType, digest: actual, size: bytes.length }, bytes, manifest };
    },
  );
}

/** Whether the registry has a manifest. Throws what is no yes and no no. */
export async function hasManifest(repository: Repository, descriptor: Descriptor): Promise<boolean> {
  return has(repository, repository.path(`manifests/${descriptor.digest}`), ACCEPT, descriptor);
}

/** Whether the registry has a blob. Throws what is no yes and no no. */
export async function hasBlob(repository: Repository, descriptor: Descriptor): Promise<boolean> {
  return has(repository, repository.path(`blobs/${descriptor.digest}`), {}, descriptor);
}

/** A success that speaks of something else, of which proxies are capable, is no yes: what is pushed anyway is not lost. */
async function has(
  repository: Repository,
  path: string,
  headers: Readonly<Record<string, string>>,
  { digest, size }: Descriptor,
): Promise<boolean> {
  try {
    const answer = await repository.send({ method: 'HEAD', path, headers });
    discard(answer);
    const saidDigest = answer.headers['docker-content-digest'] ?? digest;
    const saidSize = Number(answer.headers['content-length'] ?? size);
    return answer.status === 200 && saidDigest === digest && saidSize === size;
  } catch (error) {
    if (error instanceof RegistryRefusal && error.status === 404) return false;
    throw error;
  }
}

export interface PutManifest {
  /** A tag, or its digest. */
  readonly target: string;
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** Stores it as it is. True when the registry keeps the list of what refers to its subject. */
export async function putManifest(
  repository: Repository,
  { target, descriptor, bytes }: PutManifest,
  answerMs: number,
): Promise<{ knowsSubject: boolean }> {
  const answer = await repository.send({
    method: 'PUT',
    path: repository.path(`manifests/${target}`),
    body: { bytes: bytes.length, open: () => bytes, contentType: descriptor.mediaType },
    answerMs,
  });
  discard(answer);
  const stored = parseDigest(String(answer.headers['docker-content-digest'] ?? ''));
  // spec: 201. What answers with another success without knowing the digest has not stored a manifest.
  if (answer.status !== 201 && stored !== descriptor.digest) {
    throw errors.unexpectedStatus(requestName('PUT', answer.url), answer.status, answer.statusText);
  }
  if (
    stored &&
    stored !== descriptor.digest &&
    digestParts(stored).algorithm === digestParts(descriptor.digest).algorithm
  ) {
    throw errors.wrongDigest(requestName('PUT', answer.url), stored, descriptor.digest);
  }
  return { knowsSubject: answer.headers['oci-subject'] !== undefined };
}

export async function deleteManifest(repository: Repository, reference: Reference): Promise<void> {
  const { target } = targetOf(reference);
  discard(await repository.send({ method: 'DELETE', path: repository.path(`manifests/${target}`) }));
}

/** Without parameters, which a manifest's type has none of; undefined when it says nothing of use. */
function mediaTypeOf(header: string | undefined): string | undefined {
  const type = (header ?? '').split(';')[0]!.trim().toLowerCase();
  return ['', 'application/json', 'text/plain', 'application/octet-stream'].includes(type) ? undefined : type;
}
