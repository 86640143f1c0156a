import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Digest, digestOf } from '#base';
import { type FakeParts, fakeParts } from './fake-parts.ts';
import type { ImageParts } from './image-parts.ts';
import type { LayerUnpacker, UnpackedLayer } from './layers/layer-unpacker.ts';
import { EarlyUnpacks, unpackLayers, type WantedLayer } from './unpack-layers.ts';

const WHOLE = { sizeBytes: 5, givesRoot: true, hidesBelow: false, impliedFolders: [], missingLinks: [] };

/** Unpacks a blob to one file, a moment later, and counts. `failing` blobs reject. */
class CountingUnpacker implements LayerUnpacker {
  readonly unpacked: Digest[] = [];
  readonly failing = new Set<Digest>();
  most = 0;
  #running = 0;

  async unpack({ blob, folder }: Parameters<LayerUnpacker['unpack']>[0]): Promise<UnpackedLayer> {
    const diffId = `sha256:${blob.slice(-64)}` as Digest;
    this.unpacked.push(diffId);
    this.#running += 1;
    this.most = Math.max(this.most, this.#running);
    writeFileSync(`${folder}/file`, diffId);
    await sleep(5);
    this.#running -= 1;
    if (this.failing.has(diffId)) throw new Error(`${diffId} fails`);
    return { diffId, ...WHOLE };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

interface World extends Disposable {
  readonly parts: ImageParts & FakeParts;
  readonly unpacker: CountingUnpacker;
  /** Layers of these words, lowest first. */
  layers(...words: readonly string[]): WantedLayer[];
  /** What is in the store's folder. */
  folders(): string[];
}

function world(): World {
  const fake = fakeParts();
  const unpacker = new CountingUnpacker();
  const lease = fake.content.lease('test');
  return {
    parts: Object.assign(fake, { unpacker }),
    unpacker,
    layers: (...words) =>
      words.map((word) => {
        const { digest } = fake.content.put(Buffer.from(word), { lease });
        return { diffId: digest, blob: digest };
      }),
    folders: () => readdirSync(`${fake.dataRoot}/layers`).toSorted(),
    [Symbol.dispose]: () => fake[Symbol.dispose](),
  };
}

test('each layer is unpacked once, however many ask at the same time, and layers side by side', async () => {
  using w = world();
  const [a, b, c] = [w.layers('x', 'y'), w.layers('x', 'z'), w.layers('y', 'x')];
  const held = await Promise.all([a, b, c].map((wanted) => unpackLayers(w.parts, { wanted })));
  assert.equal(w.unpacker.unpacked.length, 3);
  assert.ok(w.unpacker.most > 1);
  assert.deepEqual(
    held.map(({ layers }) => layers.map(({ diffId }) => diffId)),
    [a, b, c].map((wanted) => wanted.map(({ diffId }) => diffId)),
  );
  assert.equal(w.folders().length, 3);
  // The collector leaves them alone until everybody has let go.
  assert.equal(new Set(w.parts.layersInUse.keys()).size, 3);
  for (const each of held) each[Symbol.dispose]();
  assert.deepEqual([...w.parts.layersInUse.keys()], []);
});

test('of a failure nothing stays but what is whole; the next who asks tries again', async () => {
  using w = world();
  const wanted = w.layers('good', 'bad');
  w.unpacker.failing.add(wanted[1]!.diffId);
  await assert.rejects(unpackLayers(w.parts, { wanted }), /fails/);
  assert.deepEqual([...w.parts.layersInUse.keys()], []);
  const [good] = w.parts.layers.list();
  assert.deepEqual(w.folders(), [good?.key]);
  assert.equal(good?.diffId, wanted[0]!.diffId);
  w.unpacker.failing.clear();
  using held = await unpackLayers(w.parts, { wanted });
  assert.equal(held.layers.length, 2);
  assert.deepEqual(
    w.unpacker.unpacked.toSorted(),
    [wanted[0]!.diffId, wanted[1]!.diffId, wanted[1]!.diffId].toSorted(),
  );
});

test('a blob that holds something else than the config says is refused', async () => {
  using w = world();
  const [layer] = w.layers('x');
  const wanted = [{ diffId: digestOf('something else'), blob: layer!.blob }];
  await assert.rejects(unpackLayers(w.parts, { wanted }), { code: 'image.wrongDiffId' });
  assert.deepEqual([w.folders(), w.parts.layers.list()], [[], []]);
});

test('layers begun early are taken; those nobody takes go, and a failure is told by who needs it', async () => {
  using w = world();
  const wanted = w.layers('taken', 'broken');
  const [loose] = w.layers('loose');
  w.unpacker.failing.add(wanted[1]!.diffId);
  {
    await using early = new EarlyUnpacks(w.parts);
    for (const { blob } of [...wanted, loose!, wanted[0]!]) early.start(blob, { isVerified: true });
    await assert.rejects(unpackLayers(w.parts, { wanted, early }), /fails/);
  }
  const count = (word: Digest): number => w.unpacker.unpacked.filter((each) => each === word).length;
  assert.deepEqual(
    [wanted[0]!, wanted[1]!, loose!].map(({ diffId }) => count(diffId)),
    [1, 2, 1],
  );
  assert.deepEqual(
    w.parts.layers.list().map(({ diffId }) => diffId),
    [wanted[0]!.diffId],
  );
  assert.equal(w.folders().length, 1);
});
