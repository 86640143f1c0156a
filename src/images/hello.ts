/** The built-in image `hello`: the package's own helper as its only program. The same program gives the same image. */
import { readFileSync } from 'node:fs';
import { encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import { createImage, layerType } from './create-image.ts';
import type { ImageParts } from './image-parts.ts';
import { emptyImageConfig, type ImageRecord } from './image-record.ts';

export const HELLO_TAG = 'hello:latest';
const CREATED_AT = '1970-01-01T00:00:00Z';
const COMMENT = 'made by Skiff from its own helper program';

export async function makeHello(parts: ImageParts): Promise<ImageRecord> {
  const archive = helloArchive(readFileSync(parts.helperProgram));
  using lease = parts.content.lease('make hello', { isTransient: true });
  const { digest, sizeBytes } = parts.content.put(archive, { lease });
  // Awaited here: the lease ends with this function.
  return await createImage(parts, {
    lease,
    layers: [{ descriptor: { mediaType: layerType(undefined), digest, size: sizeBytes }, diffId: digest }],
    config: { ...emptyImageConfig, entrypoint: ['/hello', 'hello'] },
    platform: parts.host,
    history: [{ created: CREATED_AT, comment: COMMENT }],
    author: '',
    comment: COMMENT,
    createdAt: CREATED_AT,
    tag: HELLO_TAG,
  });
}

/** Its root file system around the program's content. */
function helloArchive(program: Buffer): Buffer {
  return Buffer.concat([
    encodeTarEntry(tarEntry('etc/', 'directory')),
    ...file('etc/passwd', Buffer.from('root:x:0:0:root:/:/hello\nnobody:x:65534:65534:nobody:/:/hello\n'), 0o644),
    ...file('etc/group', Buffer.from('root:x:0:\nnogroup:x:65534:\n'), 0o644),
    ...file('hello', program, 0o755),
    encodeTarEntry(tarEntry('tmp/', 'directory', { mode: 0o1777 })),
    TAR_END,
  ]);
}

function file(path: string, content: Buffer, mode: number): Buffer[] {
  const size = content.length;
  return [encodeTarEntry(tarEntry(path, 'file', { mode, size })), content, tarPadding(size)];
}
