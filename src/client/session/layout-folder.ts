/** A folder with blobs by digest, an OCI layout, as a store a build reads from and writes to. spec: image-layout.md. */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { because, digestParts, type Digest, messageOf, parseDigest } from '#base';
import { content } from '#specs/buildkit';
import { errors } from './errors.ts';

const { STAT, WRITE, COMMIT } = content.WriteAction;
const PIECE_BYTES = 1024 * 1024;

export class LayoutFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws `session.noBlob`. */
  sizeOf(text: string): number {
    return statSync(this.#blob(text)).size;
  }

  async *read(text: string, offset: number, size: number): AsyncGenerator<Buffer> {
    const path = this.#blob(text);
    const end = size > 0 ? { end: offset + size - 1 } : {};
    for await (const chunk of createReadStream(path, { start: offset, highWaterMark: PIECE_BYTES, ...end }))
      yield chunk as Buffer;
  }

  /** One blob, verified before it has its name. Throws `session.hasBlob`, `session.wrongBlob`. */
  async *write(
    requests: AsyncIterable<content.WriteContentRequest>,
  ): AsyncGenerator<Partial<content.WriteContentResponse>> {
    let expected: Digest | undefined;
    let file: { readonly handle: FileHandle; readonly path: string } | undefined;
    const hash = createHash('sha256');
    let length = 0;
    try {
      for await (const { action, data, expected: text } of requests) {
        expected ??= parseDigest(text);
        if (expected && existsSync(this.#place(expected))) throw errors.hasBlob(expected);
        if (action === STAT) {
          yield { action, offset: 0n };
          continue;
        }
        file ??= await this.#begin();
        if (data.length > 0) {
          hash.update(data);
          await this.#append(file, data);
          length += data.length;
        }
        if (action === WRITE) {
          yield { action, offset: BigInt(length) };
          continue;
        }
        const actual = `sha256:${hash.digest('hex')}` as Digest;
        if (expected && actual !== expected) throw errors.wrongBlob(expected, actual);
        await file.handle.datasync();
        await file.handle.close();
        mkdirSync(this.#place(actual).replace(/\/[^/]*$/, ''), { recursive: true });
        renameSync(file.path, this.#place(actual));
        file = undefined;
        yield { action: COMMIT, offset: BigInt(length), total: BigInt(length), digest: actual };
        return;
      }
    } finally {
      if (file) {
        await file.handle.close().catch(() => {});
        rmSync(file.path, { force: true });
      }
    }
  }

  /** Throws `session.cannotWrite`: what Node says of a full disk has no path in it. */
  async #append(
    { handle, path }: { readonly handle: FileHandle; readonly path: string },
    data: Uint8Array,
  ): Promise<void> {
    try {
      await handle.appendFile(data);
    } catch (error) {
      throw because(errors.cannotWrite(path, messageOf(error)), error);
    }
  }

  async #begin(): Promise<{ readonly handle: FileHandle; readonly path: string }> {
    mkdirSync(`${this.#path}/ingest`, { recursive: true });
    const path = `${this.#path}/ingest/${process.pid}-${Math.random().toString(36).slice(2)}`;
    return { handle: await open(path, 'wx', 0o644), path };
  }

  #blob(text: string): string {
    const digest = parseDigest(text);
    if (!digest || !existsSync(this.#place(digest))) throw errors.noBlob(text);
    return this.#place(digest);
  }

  #place(digest: Digest): string {
    const { algorithm, hex } = digestParts(digest);
    return `${this.#path}/blobs/${algorithm}/${hex}`;
  }
}

interface LayoutEntry {
  readonly digest?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
}

const TAG = 'org.opencontainers.image.ref.name';

function entriesOf(folder: string): LayoutEntry[] {
  const path = `${folder}/index.json`;
  if (!existsSync(path)) return [];
  try {
    const { manifests } = JSON.parse(readFileSync(path, 'utf8')) as { readonly manifests?: LayoutEntry[] | null };
    return manifests ?? [];
  } catch (error) {
    throw errors.badLayout(folder, error instanceof Error ? error.message : String(error));
  }
}

/** What a folder has under a tag; without one what is tagged `latest`, or its only entry. Throws `session.badLayout`. */
export function digestInLayout(folder: string, tag = 'latest'): string | undefined {
  const entries = entriesOf(folder);
  const found =
    entries.find(({ annotations }) => annotations?.[TAG] === tag) ?? (entries.length === 1 ? entries[0] : undefined);
  return typeof found?.digest === 'string' ? found.digest : undefined;
}

/** Notes a document in the folder's list: under this tag, from whoever had it before; without one beside the others. */
export function listInLayout(
  folder: string,
  descriptor: Readonly<Record<string, unknown>>,
  tag: string | undefined,
): void {
  const others = entriesOf(folder).filter(({ digest, annotations }) =>
    tag === undefined ? digest !== descriptor['digest'] : annotations?.[TAG] !== tag,
  );
  const annotations = {
    ...(descriptor['annotations'] as object | undefined),
    ...(tag === undefined ? {} : { [TAG]: tag }),
  };
  const entry = { ...descriptor, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [...others, entry],
  };
  mkdirSync(folder, { recursive: true });
  replace(`${folder}/oci-layout`, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  replace(`${folder}/index.json`, JSON.stringify(index));
  rmSync(`${folder}/ingest`, { recursive: true, force: true });
}

function replace(path: string, text: string): void {
  try {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    throw because(errors.cannotWrite(path, messageOf(error)), error);
  }
}
