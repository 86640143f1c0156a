/** Image archives for tests, from parts, and what the reader finds in them. */
import { Readable } from 'node:stream';
import { type Digest, digestOf } from '#base';
import { mediaTypes, type Platform } from '#specs';
import { byteString, encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import { type FakeParts, fakeParts } from '../fake-parts.ts';
import { readArchive } from './read-archive.ts';
import { storeEntries } from './store-entries.ts';

/** A path's content; `{ link }` is a symlink. */
export type Parts = Readonly<Record<string, Buffer | string | { readonly link: string }>>;

export function tarOf(parts: Parts): Buffer {
  const entries = Object.entries(parts).flatMap(([path, part]) => {
    if (typeof part === 'object' && 'link' in part) {
      return [encodeTarEntry(tarEntry(path, 'symlink', { linkPath: byteString(part.link) }))];
    }
    const bytes = Buffer.from(part);
    return [encodeTarEntry(tarEntry(path, 'file', { size: bytes.length })), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...entries, TAR_END]);
}

/** Bytes with their digest, and their place in a layout. */
export interface Blob {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly path: string;
}

export function blobOf(value: object | string): Blob {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const digest = digestOf(bytes);
  return { bytes, digest, path: `blobs/sha256/${digest.slice('sha256:'.length)}` };
}

export const LAYER = blobOf('a layer, as far as an archive is concerned');

/** An image's config: `variant` makes it another image. */
export function configOf(variant: string, architecture = 'amd64'): Blob {
  return blobOf({ architecture, os: 'linux', variant, rootfs: { type: 'layers', diff_ids: [LAYER.digest] } });
}

export const describe = ({ digest, bytes }: Blob, mediaType: string, more: object = {}): object => ({
  mediaType,
  digest,
  size: bytes.length,
  ...more,
});

/** A manifest of `config` and the one layer. */
export function manifestOf(config: Blob): Blob {
  return blobOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: describe(config, mediaTypes.ociConfig),
    layers: [describe(LAYER, mediaTypes.ociLayer)],
  });
}

export const indexOf = (...manifests: readonly object[]): object => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests,
});

/** A layout with these blobs, and the layer. */
export function layoutOf(index: object | string, ...blobs: readonly Blob[]): Parts {
  return {
    ...Object.fromEntries([LAYER, ...blobs].map(({ path, bytes }) => [path, bytes])),
    'index.json': typeof index === 'string' ? index : JSON.stringify(index),
    'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
  };
}

export interface ReadOptions {
  readonly platform?: Platform;
}

/** `CONFIG-DIGEST tag tag` of each image found. Nothing may stay open, whatever comes. */
export async function imagesIn(archive: Buffer, { platform }: ReadOptions = {}): Promise<string[]> {
  using parts = fakeParts();
  return await imagesWith(parts, archive, platform);
}

async function imagesWith(parts: FakeParts, archive: Buffer, platform: Platform | undefined): Promise<string[]> {
  const { content } = parts;
  using lease = content.lease('test');
  const source = Readable.from([archive], { objectMode: false });
  const files = await storeEntries(source, { content, lease, key: 'test', onLayer: () => {} });
  const found = await readArchive({
    content,
    lease,
    files,
    platform: platform ?? parts.host,
    isPlatformGiven: platform !== undefined,
  });
  return await Promise.all(
    found.map(async ({ manifest, tags }) => {
      const { config } = JSON.parse((await content.read(manifest.digest, 1 << 20)).toString()) as {
        config: { digest: string };
      };
      return [config.digest, ...tags].join(' ');
    }),
  );
}
