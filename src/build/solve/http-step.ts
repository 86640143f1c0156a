/**
 * ADD of a URL: one file, downloaded to where nobody else sees it, and taken by what it holds.
 *
 * What it holds is known before it is downloaded when the Dockerfile says it (`--checksum`), or when the server says that what
 * was downloaded last is what it still has: then the cache is asked first.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Digest, newContainerId } from '#base';
import { openUnpacker } from '#linux';
import { errors } from '../errors.ts';
import type { HttpStep, StepId } from '../graph.ts';
import type { BuildParts } from '../parts.ts';
import { cached } from './cached.ts';
import { download, type Download, isUnchanged, type Remote, remoteOf } from './download.ts';
import { httpDefinition, stepKey } from './keys.ts';
import { emptySnapshot, type Snapshot } from './result.ts';
import type { Solving } from './solving.ts';

/** Throws `build.notDownloaded` and `build.wrongChecksum`. */
export async function fetchFile(parts: BuildParts, solving: Solving, id: StepId, step: HttpStep): Promise<Snapshot> {
  const remote = await remoteOf(step.url, solving.gifts, solving.signal);
  await using incoming = new Incoming(parts, remote, step);
  const digest = step.checksum || (await knownDigest(parts, remote, step)) || (await incoming.take()).digest;
  const snapshot = await cached(parts, solving, {
    id,
    step,
    root: emptySnapshot,
    definition: httpDefinition(step, digest),
    sources: [],
    kind: 'source.http',
    make: async (layer) => {
      const { digest: actual, sizeBytes, mtimeNs } = await incoming.take();
      if (actual !== digest) throw errors.wrongChecksum(step.url, digest, actual);
      const program = parts.runtime.helperProgram;
      await using unpacker = openUnpacker(layer.folder, { program, source: incoming.fd });
      const attributes = { mode: 0o600, uid: 0, gid: 0, mtimeNs };
      unpacker.file(Buffer.from(step.fileName), attributes, sizeBytes);
      if (sizeBytes > 0) unpacker.copy(0, sizeBytes);
      unpacker.end();
      await unpacker.finish();
      if (mtimeNs > 0n) return { timeNs: mtimeNs };
      return undefined;
    },
  });
  const { taken } = incoming;
  const entry = solving.entries.get(id);
  if (taken && taken.etag !== '' && entry !== undefined) {
    parts.cache.noteDownload(entry, urlKey(step), { etag: taken.etag, digest: taken.digest });
  }
  return { ...snapshot, sourceDigest: digest };
}

/** Of what the cache has of this URL, if that is what the server still has. */
async function knownDigest({ cache }: BuildParts, remote: Remote, step: HttpStep): Promise<Digest | undefined> {
  const known = step.ignoresCache ? undefined : cache.find(urlKey(step))?.download;
  return known && (await isUnchanged(remote, known)) ? known.digest : undefined;
}

const urlKey = ({ url, fileName }: HttpStep): Digest =>
  stepKey({ definition: ['http-url', url, fileName], root: '', sources: [] });

/** The file, downloaded when it is wanted, at most once. Nobody else sees it; disposing it gives its space back. */
class Incoming implements AsyncDisposable {
  readonly #folder: string;
  readonly #remote: Remote;
  readonly #step: HttpStep;
  #file: FileHandle | undefined;
  #taken: Download | undefined;

  constructor({ options }: BuildParts, remote: Remote, step: HttpStep) {
    this.#folder = `${options.dataRoot}/build/incoming`;
    this.#remote = remote;
    this.#step = step;
  }

  /** What was downloaded, if anything was. */
  get taken(): Download | undefined {
    return this.#taken;
  }

  get fd(): number {
    return this.#file!.fd;
  }

  /** Throws `build.notDownloaded` and `build.wrongChecksum`. */
  async take(): Promise<Download> {
    if (this.#taken) return this.#taken;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = `${this.#folder}/download-${newContainerId()}`;
    const file = await open(path, 'wx+', 0o600);
    this.#file = file;
    rmSync(path);
    const taken = await download(this.#remote, file);
    const { url, checksum } = this.#step;
    if (checksum !== '' && checksum !== taken.digest) throw errors.wrongChecksum(url, checksum, taken.digest);
    this.#taken = taken;
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }
}
