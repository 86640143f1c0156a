/** Descriptors: what points from one document to another by digest. spec: image-spec, descriptor.md. */
import type { Digest } from '#base';
import { type Platform, platformJson, readPlatform } from './platform.ts';
import type { Fields } from './reading.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly urls?: readonly string[];
  /** The content itself, base64. */
  readonly data?: string;
}

/** Throws `oci.malformed`. */
export function readDescriptor(fields: Fields): Descriptor {
  const size = fields.size('size');
  if (size === undefined) throw fields.fail('size', 'is missing');
  const platform = fields.object('platform');
  const optional = {
    artifactType: fields.text('artifactType'),
    annotations: fields.map('annotations'),
    urls: fields.texts('urls'),
    data: fields.text('data'),
  };
  return {
    mediaType: fields.requiredText('mediaType'),
    digest: fields.digest('digest'),
    size,
    ...(platform ? { platform: readPlatform(platform) } : {}),
    ...present(optional),
  };
}

/** The form documents have. Its own content and its URLs are not repeated. */
export function descriptorJson({ mediaType, digest, size, annotations, platform, artifactType }: Descriptor): object {
  return {
    mediaType,
    digest,
    size,
    ...(annotations ? { annotations } : {}),
    ...(platform ? { platform: platformJson(platform) } : {}),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

/** Without the keys that hold nothing. */
export function present<T extends object>(all: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
