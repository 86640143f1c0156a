/** Parts of images for tests: real stores in a temporary folder, images made of records alone, nothing to unpack with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Digest, digestOf, KeyedMutex, memoryRecordStores } from '#base';
import type { RegistryClient } from '#registry';
import { encodeManifest, mediaTypes } from '#specs';
import { encodeImageConfig } from './config-json.ts';
import { DiskContentStore } from './content/disk-content-store.ts';
import { ImageIndex } from './image-index.ts';
import type { ImageEvent, ImageParts } from './image-parts.ts';
import { emptyImageConfig, type ImageRecord } from './image-record.ts';
import { LayersInUse } from './layers-in-use.ts';
import { layerKey, LayerStore } from './layers/layer-store.ts';

export interface FakeParts extends ImageParts, Disposable {
  readonly content: DiskContentStore;
  readonly events: ImageEvent[];
  readonly dataRoot: string;
}

export function fakeParts(): FakeParts {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-images-`);
  const records = memoryRecordStores();
  const events: ImageEvent[] = [];
  return {
    dataRoot,
    events,
    content: new DiskContentStore({ folder: `${dataRoot}/content`, records }),
    layers: new LayerStore({ dataRoot, records }),
    unpacker: {
      unpack: () => Promise.reject(new Error('nothing can be unpacked here')),
      [Symbol.asyncDispose]: async () => {},
    },
    layersInUse: new LayersInUse(),
    index: new ImageIndex(records),
    registry: {} as RegistryClient,
    locks: new KeyedMutex(),
    host: { os: 'linux', architecture: 'amd64' },
    layerForm: 'overlay',
    facts: { kernel: { major: 6, minor: 8 } },
    helperProgram: '/does/not/exist',
    announce: (event) => events.push(event),
    [Symbol.dispose]: () => rmSync(dataRoot, { recursive: true, force: true }),
  };
}

export interface FakeImage {
  readonly tags?: readonly string[];
  readonly repoDigests?: readonly string[];
  /** Words, each the whole content of a layer. */
  readonly layers?: readonly string[];
  readonly parent?: ImageRecord;
  /** Makes it differ from others with the same layers. */
  readonly comment?: string;
  readonly history?: ImageRecord['history'];
}

/** An image whose blobs and layer folders are there, as if it had been pulled. */
export async function addImage(parts: FakeParts, fake: FakeImage): Promise<ImageRecord> {
  const { tags = [], repoDigests = [], layers = ['base'], parent, comment = '' } = fake;
  const history = fake.history ?? layers.map((name) => ({ createdBy: name }));
  using lease = parts.content.lease('add an image');
  const blobs = layers.map((word) => parts.content.put(Buffer.from(word), { lease }));
  const diffIds = blobs.map(({ digest }) => digest);
  const createdAt = '2026-01-02T03:04:05Z';
  const platform = { os: 'linux', architecture: 'amd64' };
  const shared = { createdAt, platform, config: emptyImageConfig, history, author: '', comment };
  const config = parts.content.put(Buffer.from(encodeImageConfig({ ...shared, diffIds })), { lease });
  const document = {
    mediaType: mediaTypes.dockerManifest,
    config: { mediaType: mediaTypes.dockerConfig, digest: config.digest, size: config.sizeBytes },
    layers: blobs.map(({ digest, sizeBytes: size }) => ({ mediaType: mediaTypes.dockerLayer, digest, size })),
  };
  const references: Digest[] = [config.digest, ...diffIds];
  const manifest = parts.content.put(encodeManifest(document), { lease, references });
  for (const diffId of diffIds) {
    await using pending = parts.layers.begin();
    await pending.commit({ diffId, sizeBytes: 10 });
  }
  const record: ImageRecord = {
    version: 2,
    id: config.digest,
    tags,
    repoDigests,
    manifests: [{ mediaType: document.mediaType, digest: manifest.digest, size: manifest.sizeBytes }],
    ...(parent ? { parent: parent.id } : {}),
    ...shared,
    dockerVersion: '',
    layers: diffIds.map((diffId) => ({ diffId, key: layerKey(diffId), sizeBytes: 10 })),
    sizeBytes: 10 * diffIds.length,
    taggedAt: '',
  };
  parts.index.put([record]);
  return record;
}

/** A digest of some word, for names of what is not there. */
export const digestOfWord = (word: string): Digest => digestOf(word);
