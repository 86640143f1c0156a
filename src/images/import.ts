/**
 * Unpacks an archive of a root file system into a folder, while hashing what it holds: the hash is the layer's DiffID.
 */
import { createHash } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { because, type Digest, messageOf, SkiffError } from '#base';
import { openUnpacker } from '#linux';
import { TarReader } from '#wire';
import { archiveBytes } from './archive-stream.ts';
import { errors } from './errors.ts';
import { LayerSink } from './unpack-layer.ts';

export interface UnpackedLayer {
  /** Of the uncompressed archive, to its last byte: padding behind the end mark counts. */
  readonly diffId: Digest;
  readonly sizeBytes: number;
}

export interface UnpackRequest {
  readonly folder: string;
  readonly helperProgram: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Fills an existing folder. Memory is bounded by some chunks of the stream. When it rejects, nothing writes into the
 * folder any more. Throws `tar.*`, `image.forbiddenEntry`, `image.unpack`, `image.cancelled` and the like.
 */
export async function unpackArchive(source: Readable, request: UnpackRequest): Promise<UnpackedLayer> {
  const { signal } = request;
  if (isAborted(signal)) throw errors.cancelled();
  if (signal) addAbortSignal(signal, source);
  const hash = createHash('sha256');
  await using unpacker = openUnpacker(request.folder, { program: request.helperProgram });
  const sink = new LayerSink(unpacker);
  const reader = new TarReader(sink);
  try {
    for await (const chunk of archiveBytes(source)) {
      hash.update(chunk);
      reader.push(chunk);
      await unpacker.ready();
    }
    reader.end();
    await unpacker.finish();
  } catch (error) {
    if (isAborted(signal)) throw because(errors.cancelled(), error);
    throw error instanceof SkiffError ? error : because(errors.unpack(messageOf(error)), error);
  }
  return { diffId: `sha256:${hash.digest('hex')}` as Digest, sizeBytes: sink.sizeBytes };
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;
