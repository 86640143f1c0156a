/** The entries both kinds of archives consist of: folders, JSON files, and where blobs are. */
import { type Digest, digestParts } from '#base';
import { encodeTarEntry, tarEntry, tarPadding } from '#wire';

/** spec: OCI image layout, `blobs/ALGORITHM/HEX`. */
export function blobPath(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest);
  return `blobs/${algorithm}/${hex}`;
}

export const folderEntry = (path: string): Buffer => encodeTarEntry(tarEntry(`${path}/`, 'directory'));

export function* jsonEntry(path: string, value: object): Generator<Buffer> {
  const bytes = Buffer.from(JSON.stringify(value));
  yield encodeTarEntry(tarEntry(path, 'file', { size: bytes.length }));
  yield bytes;
  yield tarPadding(bytes.length);
}
