/** Finds images by what users call them, and tells what they do not. */
import { parseReference } from '#registry';
import { errors } from './errors.ts';
import { HELLO_TAG, makeHello } from './hello.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-record.ts';

/** Makes `hello` when it is asked for and not there. Throws as `ImageIndex.find`. */
export async function lookUpImage(parts: ImageParts, reference: string): Promise<ImageRecord | undefined> {
  const found = parts.index.find(reference);
  if (found || withTag(reference) !== HELLO_TAG) return found;
  return parts.locks.run('hello', async () => parts.index.find(reference) ?? makeHello(parts));
}

/** Throws `image.noSuch`. */
export async function findImage(parts: ImageParts, reference: string): Promise<ImageRecord> {
  const found = await lookUpImage(parts, reference);
  if (!found) throw errors.noSuch(withTag(reference));
  return found;
}

/** The reference as Docker shows it when there is no such image: names with their tag, ids as they are. */
export function withTag(reference: string): string {
  if (/^(?:sha256:[0-9a-f]+|[0-9a-f]{64})$/.test(reference)) return reference;
  const { name, tag, digest } = parseReference(reference);
  return digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`;
}

/** Whether a reference is (the beginning of) this image's id. */
export function isIdOf(reference: string, id: string): boolean {
  return id.startsWith(reference) || id.slice('sha256:'.length).startsWith(reference);
}
