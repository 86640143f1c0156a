/** What was attested of an image when it was built: statements in the index its name stands for. */
import type { Digest } from '#base';
import { type Descriptor, MAX_MANIFEST_BYTES, parseManifest, type Platform } from '#specs';
import { findImage } from './find.ts';
import type { ImageParts } from './image-parts.ts';
import { attestedBy, entriesOf, lookAtPlatform, rootOf } from './image-roots.ts';
import type { AttestedStatement } from './images.ts';

/** A list of packages is the longest; it is read into memory. */
const MAX_STATEMENT_BYTES = 64 * 1024 * 1024;

/** For a platform, or of the image the reference stands for. Throws `image.noSuch`, `image.otherPlatform`. */
export async function attestationsOf(
  parts: ImageParts,
  reference: string,
  platform: Platform | undefined,
): Promise<AttestedStatement[]> {
  const { content } = parts;
  const named = await findImage(parts, reference);
  const image = platform ? await lookAtPlatform(parts, reference, platform) : named;
  const root = rootOf(named, reference);
  if (!root) return [];
  const entries = await entriesOf(content, root);
  const isOfImage = (digest: Digest): boolean => content.stat(digest)?.references[0] === image.id;
  const subjects = new Set(entries.map(({ digest }) => digest).filter(isOfImage));
  const statements: AttestedStatement[] = [];
  for (const entry of entries) {
    const about = attestedBy(entry);
    if (about === undefined || !subjects.has(about)) continue;
    const document = parseManifest(await content.read(entry.digest, MAX_MANIFEST_BYTES), entry.mediaType);
    if (document.kind === 'manifest') statements.push(...document.layers.map((layer) => statementOf(parts, layer)));
  }
  return statements;
}

/** spec: in-toto's type is also in an annotation, so that nobody has to read the statement for it. */
function statementOf({ content }: ImageParts, descriptor: Descriptor): AttestedStatement {
  return {
    descriptor,
    predicateType: descriptor.annotations?.['in-toto.io/predicate-type'] ?? '',
    read: () => content.read(descriptor.digest, MAX_STATEMENT_BYTES),
  };
}
