/**
 * Images on this disk: records, config files and layers, found by name, id or part of an id.
 *
 * Records are the truth and also kept in memory; a config file or layer without a record is left from a crash and
 * removed at the next start. What changes which layers are wanted happens under one lock.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Digest, formatTimeNs, KeyedMutex, nowNs, type RecordStores, shortId, writeFileAtomic } from '#base';
import { applyChanges } from './changes.ts';
import { encodeImageConfig, hostArchitecture, type ImageDescription } from './config-json.ts';
import { errors } from './errors.ts';
import { HELLO_COMMENT, HELLO_CREATED_AT, HELLO_TAG, helloArchive, helloConfig } from './hello.ts';
import { emptyImageConfig, type ImageRecord } from './image-record.ts';
import type { Images, ImageUser, ImportOptions } from './images.ts';
import { ImageIndex } from './image-index.ts';
import { layerKey, type LayerStore, type NewLayer, type PendingLayer } from './layers/layer-store.ts';
import { unpackArchive } from './layers/unpack-archive.ts';
import { parseReference, parseTag, repositoryOf } from '#registry';

export interface DiskImagesOptions {
  readonly dataRoot: string;
  readonly records: RecordStores;
  readonly layers: LayerStore;
  /** Unpacks, and is the program of `hello`. */
  readonly helperProgram: string;
}

const STORE = 'store';
const HELLO = 'hello';

export class DiskImages implements Images {
  readonly #options: DiskImagesOptions;
  readonly #folder: string;
  readonly #index: ImageIndex;
  readonly #locks = new KeyedMutex();

  constructor(options: DiskImagesOptions) {
    this.#options = options;
    this.#folder = `${options.dataRoot}/images`;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#index = new ImageIndex(options.records);
    this.#cleanUp();
  }

  async find(reference: string): Promise<ImageRecord | undefined> {
    const found = this.#index.find(reference);
    if (found || !isHello(reference)) return found;
    return this.#locks.run(HELLO, async () => this.#index.find(reference) ?? this.#makeHello());
  }

  get(id: string): ImageRecord | undefined {
    return this.#index.get(id);
  }

  list(): ImageRecord[] {
    return this.#index.list();
  }

  async import(tar: Readable, options: ImportOptions): Promise<ImageRecord> {
    const config = applyChanges(emptyImageConfig, options.changes);
    const tag = options.reference === undefined ? undefined : parseTag(options.reference);
    return this.#build(tar, {
      tag,
      signal: options.signal,
      // compat: Docker's words when no message is given.
      description: () => ({
        config,
        createdAt: formatTimeNs(nowNs()),
        comment: options.message === '' ? 'Imported from -' : options.message,
      }),
    });
  }

  async remove(
    reference: string,
    force: boolean,
    inUse: (imageId: string) => ImageUser | undefined,
  ): Promise<{ untagged: string[]; deleted: string[] }> {
    return this.#locks.run(STORE, async () => {
      const image = this.#index.find(reference);
      if (!image) throw errors.noSuch(withTag(reference));
      const user = inUse(image.id);
      const untagged = isIdOf(reference, image.id)
        ? untaggedById(image, force, user)
        : [untaggedByName(image, reference, force, user)];
      const tags = image.tags.filter((tag) => !untagged.includes(tag));
      if (tags.length === 0 && user === undefined) {
        await this.#delete(image);
        return { untagged, deleted: [image.id] };
      }
      // compat: Docker drops the record of a used image when forced and keeps its layers for the container. Here the
      // container finds its layers through the record, so that stays, without tags.
      this.#index.put([{ ...image, tags }]);
      return { untagged, deleted: [] };
    });
  }

  async #makeHello(): Promise<ImageRecord> {
    const archive = helloArchive(readFileSync(this.#options.helperProgram));
    const description = { config: helloConfig, createdAt: HELLO_CREATED_AT, comment: HELLO_COMMENT };
    return this.#build(archive, { tag: HELLO_TAG, signal: undefined, description: () => description });
  }

  /** An image of one layer. Nothing is kept when it fails. */
  async #build(tar: Readable, request: BuildRequest): Promise<ImageRecord> {
    const { layers, helperProgram } = this.#options;
    await using pending = layers.begin();
    const layer = await unpackArchive(tar, { folder: pending.folder, helperProgram, signal: request.signal });
    const image: NewImage = {
      ...request.description(),
      architecture: hostArchitecture(),
      os: 'linux',
      layers: [layer.diffId],
      sizeBytes: layer.sizeBytes,
    };
    return this.#locks.run(STORE, async () => this.#commit(pending, layer, image, request.tag));
  }

  /** Layer, then config file, then record: what a record names is there. Without the record the others go again. */
  async #commit(
    pending: PendingLayer,
    layer: NewLayer,
    image: NewImage,
    tag: string | undefined,
  ): Promise<ImageRecord> {
    const json = encodeImageConfig(image);
    const id = `sha256:${createHash('sha256').update(json).digest('hex')}` as Digest;
    const before = this.#index.get(id);
    const tags = [...new Set([...(before?.tags ?? []), ...(tag === undefined ? [] : [tag])])];
    const record: ImageRecord = { version: 1, id, tags, ...image };
    try {
      const { diffId, sizeBytes, givesRoot } = layer;
      await pending.commit({ diffId, sizeBytes, givesRoot });
      writeFileAtomic(this.#configPath(id), json, { durable: true });
      this.#index.put([...this.#losing(tag, id), record]);
    } catch (error) {
      if (!before) await this.#removeFiles(record);
      throw error;
    }
    return record;
  }

  /** The image that has had the tag until now, without it. */
  #losing(tag: string | undefined, newId: string): ImageRecord[] {
    const loser = tag === undefined ? undefined : this.#index.tagged(tag);
    return loser && loser.id !== newId ? [{ ...loser, tags: loser.tags.filter((own) => own !== tag) }] : [];
  }

  async #delete(image: ImageRecord): Promise<void> {
    this.#index.delete(image.id);
    await this.#removeFiles(image);
  }

  /** Config file and layers of an image without a record. */
  async #removeFiles(image: ImageRecord): Promise<void> {
    rmSync(this.#configPath(image.id), { force: true });
    const wanted = this.#index.layers();
    for (const layer of image.layers) if (!wanted.has(layer)) await this.#options.layers.remove(layerKey(layer));
  }

  #cleanUp(): void {
    const { layers } = this.#options;
    layers.repair();
    const wantedLayers = this.#index.layers();
    for (const { key, diffId } of layers.list()) if (!wantedLayers.has(diffId)) layers.removeNow(key);
    const wanted = new Set(this.#index.list().map(({ id }) => this.#configPath(id)));
    for (const name of readdirSync(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      if (!wanted.has(path)) rmSync(path, { force: true });
    }
  }

  #configPath(id: string): string {
    return `${this.#folder}/${id.slice('sha256:'.length)}.json`;
  }
}

type NewImage = ImageDescription & Pick<ImageRecord, 'sizeBytes'>;

interface BuildRequest {
  readonly tag: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called when the layer is complete. */
  readonly description: () => Pick<ImageDescription, 'config' | 'createdAt' | 'comment'>;
}

/** The tag a name stands for. compat: refused when it is the image's only one and a container uses the image. */
function untaggedByName(image: ImageRecord, reference: string, force: boolean, user: ImageUser | undefined): string {
  if (!force && user && image.tags.length === 1) {
    throw errors.repositoryInUse(reference, shortId(user.containerId), shortId(image.id));
  }
  return parseTag(reference);
}

/** All tags. compat: refused when they are of several repositories, or a container uses the image. */
function untaggedById(image: ImageRecord, force: boolean, user: ImageUser | undefined): string[] {
  const id = shortId(image.id);
  if (user?.isRunning === true) throw errors.inUseRunning(id, shortId(user.containerId));
  if (!force && new Set(image.tags.map(repositoryOf)).size > 1) throw errors.manyRepositories(id);
  if (!force && user) throw errors.inUseStopped(id, shortId(user.containerId));
  if (user && image.tags.length === 0) throw errors.inUseUntagged(id, shortId(user.containerId));
  return [...image.tags];
}

function isHello(reference: string): boolean {
  return withTag(reference) === HELLO_TAG;
}

/** The reference as Docker shows it when there is no such image: names with their tag, ids as they are. */
function withTag(reference: string): string {
  if (/^(?:sha256:[0-9a-f]+|[0-9a-f]{64})$/.test(reference)) return reference;
  const { name, tag, digest } = parseReference(reference);
  return digest === undefined ? `${name}:${tag ?? 'latest'}` : `${name}@${digest}`;
}

/** Whether a reference is (the beginning of) this image's id. */
function isIdOf(reference: string, id: string): boolean {
  return id.startsWith(reference) || id.slice('sha256:'.length).startsWith(reference);
}
