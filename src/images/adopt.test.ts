import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { digestOf } from '#base';
import { type Descriptor, mediaTypes } from '#specs';
import { adopt } from './adopt.ts';
import { type FakeParts, fakeParts } from './fake-parts.ts';

interface Change {
  readonly manifest?: object;
  readonly config?: object;
  readonly configType?: string;
  readonly layerType?: string;
  readonly manifestType?: string;
}

/** A manifest of one layer in the store, with something wrong about it. */
function put({ content }: FakeParts, change: Change): { readonly manifest: Descriptor; release(): void } {
  const lease = content.lease('test');
  const layer = content.put(Buffer.from('layer'), { lease });
  const config = content.put(
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
        ...change.config,
      }),
    ),
    { lease },
  );
  const mediaType = change.manifestType ?? mediaTypes.ociManifest;
  const manifest = content.put(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config: {
          mediaType: change.configType ?? mediaTypes.ociConfig,
          digest: config.digest,
          size: config.sizeBytes,
        },
        layers: [{ mediaType: change.layerType ?? mediaTypes.ociLayer, digest: layer.digest, size: layer.sizeBytes }],
        ...change.manifest,
      }),
    ),
    { lease, references: [config.digest, layer.digest] },
  );
  return {
    manifest: { mediaType, digest: manifest.digest, size: manifest.sizeBytes },
    release: () => lease.release(),
  };
}

test('what is no image that can run here is refused, and nothing has changed', async () => {
  const check = async (change: Change, code: string, message: RegExp): Promise<void> => {
    using parts = fakeParts();
    const { manifest, release } = put(parts, change);
    using lease = parts.content.lease('adopt');
    await assert.rejects(adopt(parts, { manifest, lease, tags: ['app:1'] }), { code, message });
    release();
    assert.deepEqual([parts.index.list(), parts.layers.list(), readdirSync(`${parts.dataRoot}/layers`)], [[], [], []]);
  };
  await check(
    { manifestType: mediaTypes.ociIndex, manifest: { manifests: [], config: undefined, layers: undefined } },
    'image.notAnImage',
    /is no image/,
  );
  await check({ configType: 'application/vnd.example.chart' }, 'image.notAnImage', /application\/vnd\.example\.chart/);
  await check({ config: { os: 'windows' } }, 'image.wrongOs', /is for windows: only images for linux/);
  await check({ layerType: 'application/vnd.example.x' }, 'image.notALayer', /'application\/vnd\.example\.x'/);
  await check({ config: { rootfs: { type: 'layers', diff_ids: [] } } }, 'image.layerCount', /1 layers.*speaks of 0/);
  const two = { rootfs: { type: 'layers', diff_ids: [digestOf('a'), digestOf('b')] } };
  await check({ config: two }, 'image.layerCount', /1 layers.*speaks of 2/);
  await check({ config: { rootfs: 5 } }, 'oci.malformed', /rootfs/);
  await check({ manifest: { layers: 'x' } }, 'oci.malformed', /layers/);
});
