/**
 * The built-in image `hello`: the package's own helper as its only program. The same program gives the same image.
 */
import { Readable } from 'node:stream';
import { encodeTarEntry, TAR_END, tarEntry, tarPadding } from '#wire';
import { emptyImageConfig, type ImageConfig } from './image-record.ts';

export const HELLO_TAG = 'hello:latest';
export const HELLO_CREATED_AT = '1970-01-01T00:00:00Z';
export const HELLO_COMMENT = 'made by Skiff from its own helper program';

export const helloConfig: ImageConfig = { ...emptyImageConfig, entrypoint: ['/hello', 'hello'] };

/** The archive of its root file system, around the program's content. */
export function helloArchive(program: Buffer): Readable {
  return Readable.from([
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
