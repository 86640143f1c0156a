/** Manifests and indexes, OCI's and Docker's. spec: image-spec, manifest.md and image-index.md. */
import type { Digest } from '#base';
import { type Descriptor, present, readDescriptor } from './descriptor.ts';
import { errors } from './errors.ts';
import { isIndexType, isManifestType, mediaTypes } from './media-types.ts';
import { Fields, parseDocument } from './reading.ts';

export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type Manifest = ImageManifest | ImageIndex;

/** Larger documents are refused: they are kept in memory. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/**
 * A manifest or index from its bytes. `mediaType` is what was said of it outside; the document may lack its own.
 * Throws `oci.notJson`, `oci.malformed`, `oci.schema1`, `oci.unknownType`.
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  const what = 'manifest';
  const fields = new Fields(parseDocument(bytes, what), what, '');
  const own = fields.text('mediaType');
  if (fields.value['schemaVersion'] === 1) throw errors.schema1(own ?? mediaType ?? mediaTypes.dockerSchema1);
  if (fields.value['schemaVersion'] !== 2) throw fields.fail('schemaVersion', 'is not 2');
  if (own !== undefined && mediaType !== undefined && own !== mediaType) {
    throw fields.fail('mediaType', `'${own}' differs from the '${mediaType}' it is declared as`);
  }
  const type = own ?? mediaType ?? guessType(fields);
  const more = present({ artifactType: fields.text('artifactType'), annotations: fields.map('annotations') });
  const subject = fields.object('subject');
  const both = { mediaType: type, ...more, ...(subject ? { subject: readDescriptor(subject) } : {}) };
  if (isManifestType(type)) {
    // A document that is both could be read one way here and another way elsewhere (CVE-2021-41190).
    if (fields.has('manifests')) throw fields.fail('manifests', 'does not belong in an image manifest');
    const config = readDescriptor(fields.requiredObject('config'));
    const layers = fields.objects('layers');
    if (!layers) throw fields.fail('layers', 'is missing');
    return { kind: 'manifest', ...both, config, layers: layers.map(readDescriptor) };
  }
  if (isIndexType(type)) {
    for (const key of ['config', 'layers']) if (fields.has(key)) throw fields.fail(key, 'does not belong in an index');
    const manifests = fields.objects('manifests');
    if (!manifests) throw fields.fail('manifests', 'is missing');
    return { kind: 'index', ...both, manifests: manifests.map(readDescriptor) };
  }
  throw errors.unknownType(type);
}

/** spec: OCI documents may leave their mediaType out. */
function guessType(fields: Fields): string {
  return fields.has('manifests') ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}

/** What a document needs to be whole: config and layers, or manifests. The subject may be missing. */
export function childrenOf(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'manifest' ? [manifest.config, ...manifest.layers] : manifest.manifests;
}

export interface ManifestParts {
  /** Of the OCI kind or of Docker's. */
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The bytes of an image manifest: the same parts give the same bytes. */
export function encodeManifest({ mediaType, config, layers, annotations }: ManifestParts): Buffer {
  const plain = ({ mediaType: type, digest, size, urls }: Descriptor): object => ({
    mediaType: type,
    digest,
    size,
    ...(urls ? { urls } : {}),
  });
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: plain(config),
      layers: layers.map(plain),
      ...(annotations ? { annotations } : {}),
    }),
  );
}

/** `name@digest` parts of descriptors. */
export function digestsOf(descriptors: readonly Descriptor[]): Digest[] {
  return descriptors.map(({ digest }) => digest);
}
