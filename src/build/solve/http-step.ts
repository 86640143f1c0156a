/** ADD of a URL: one file, downloaded to where nobody else sees it, and taken by what it holds. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, newContainerId, SkiffError } from '#base';
import { openUnpacker } from '#linux';
import { errors } from '../errors.ts';
import type { HttpStep, StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { cached } from './cached.ts';
import { httpDefinition } from './keys.ts';
import { emptySnapshot, type Snapshot } from './result.ts';
import type { Solving } from './solving.ts';

interface Download {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
}

/** Throws `build.notDownloaded` and `build.wrongChecksum`. */
export async function fetchFile(parts: BuildParts, solving: Solving, id: StepId, step: HttpStep): Promise<Snapshot> {
  const folder = `${parts.options.dataRoot}/build/incoming`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = `${folder}/download-${newContainerId()}`;
  await using file = await open(path, 'wx+', 0o600);
  rmSync(path);
  const { digest, sizeBytes, mtimeNs } = await download(step, file, solving.signal);
  if (step.checksum !== '' && step.checksum !== digest) throw errors.wrongChecksum(step.url, step.checksum, digest);
  return await cached(parts, solving, {
    id,
    step,
    root: emptySnapshot,
    definition: httpDefinition(step, digest),
    sources: [],
    kind: 'source.http',
    make: async (layer) => {
      const program = parts.runtime.helperProgram;
      await using unpacker = openUnpacker(layer.folder, { program, source: file.fd });
      const attributes = { mode: 0o600, uid: 0, gid: 0, mtimeNs };
      unpacker.file(Buffer.from(step.fileName), attributes, sizeBytes);
      if (sizeBytes > 0) unpacker.copy(0, sizeBytes);
      unpacker.end();
      await unpacker.finish();
      if (mtimeNs > 0n) return { timeNs: mtimeNs };
      return undefined;
    },
  });
}

async function download({ url }: HttpStep, file: FileHandle, signal: AbortSignal): Promise<Download> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    const answer = await fetch(url, { signal, redirect: 'follow' });
    if (!answer.ok || !answer.body) throw errors.notDownloaded(url, `invalid response status ${answer.status}`);
    for await (const chunk of answer.body) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await file.appendFile(chunk);
    }
    // compat: without a word of the server the beginning of time, so that the same file is the same layer.
    const modified = Date.parse(answer.headers.get('last-modified') ?? '');
    const mtimeNs = Number.isNaN(modified) ? 0n : BigInt(modified) * 1_000_000n;
    return { digest: `sha256:${hash.digest('hex')}`, sizeBytes, mtimeNs };
  } catch (error) {
    if (signal.aborted) throw errors.cancelled();
    throw error instanceof SkiffError ? error : errors.notDownloaded(url, messageOf(error));
  }
}
