import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Digest } from '#base';
import { type Descriptor, descriptorJson, encodeManifest, mediaTypes } from '#specs';
import { adopt } from './adopt.ts';
import { attestationsOf } from './attestations.ts';
import { checkImages } from './check.ts';
import { collectGarbage } from './collect.ts';
import { encodeImageConfig } from './config-json.ts';
import type { Lease } from './content/content-store.ts';
import { addImage, type FakeParts, fakeParts } from './fake-parts.ts';
import { imageForPlatform, isRooted, lookAtPlatform, membersOf, rootedManifests, rootOf } from './image-roots.ts';
import { emptyImageConfig, type ImageRecord } from './image-record.ts';
import { loadImages } from './load.ts';
import { pushImages } from './push.ts';
import { pruneImages, removeImage } from './remove.ts';
import { saveImages } from './save.ts';
import { tagImage } from './tag.ts';

const arm = { os: 'linux', architecture: 'arm64' };
const s390 = { os: 'linux', architecture: 's390x' };
const unused = (): undefined => undefined;

interface Rooted {
  readonly image: ImageRecord;
  readonly root: Descriptor;
  readonly armManifest: Descriptor;
  readonly statement: Digest;
}

function put(parts: FakeParts, lease: Lease, mediaType: string, value: object | string, references: Digest[] = []) {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const { digest, sizeBytes } = parts.content.put(bytes, { lease, references });
  return { mediaType, digest, size: sizeBytes };
}

/** An image `app:1` of this host's, an index with one of the same layer for arm64, and a statement about the latter. */
async function addRooted(parts: FakeParts, tag = 'app:1'): Promise<Rooted> {
  const plain = await addImage(parts, { layers: ['base'] });
  using lease = parts.content.lease('add an index');
  const [layer] = plain.layers;
  const config = put(
    parts,
    lease,
    mediaTypes.ociConfig,
    encodeImageConfig({
      ...{ createdAt: '2026-01-02T03:04:05Z', platform: arm, config: emptyImageConfig, history: [] },
      ...{ author: 'somebody', comment: '', diffIds: [layer!.diffId] },
    }).toString(),
  );
  const layers = [{ mediaType: mediaTypes.ociLayer, digest: layer!.diffId, size: 'base'.length }];
  const armManifest = put(
    parts,
    lease,
    mediaTypes.ociManifest,
    encodeManifest({ mediaType: mediaTypes.ociManifest, config, layers }).toString(),
    [config.digest, layer!.diffId],
  );
  const statement = put(parts, lease, 'application/vnd.in-toto+json', { predicate: { a: 1 } });
  const empty = put(parts, lease, mediaTypes.ociEmpty, '{}');
  const about = put(
    parts,
    lease,
    mediaTypes.ociManifest,
    {
      ...{ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: empty },
      layers: [{ ...statement, annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' } }],
    },
    [empty.digest, statement.digest],
  );
  const own = { ...plain.manifests[0]!, platform: plain.platform };
  const manifests: Descriptor[] = [
    own,
    { ...armManifest, platform: arm },
    {
      ...about,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': armManifest.digest,
      },
    },
  ];
  const root = put(
    parts,
    lease,
    mediaTypes.ociIndex,
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: manifests.map(descriptorJson) },
    manifests.map(({ digest }) => digest),
  );
  const image = await adopt(parts, { manifest: plain.manifests[0]!, root, tags: tag === '' ? [] : [tag], lease });
  return { image, root, armManifest, statement: statement.digest };
}

const remove = (parts: FakeParts, reference: string) =>
  removeImage(parts, { reference, force: false, keepParents: false, inUse: unused });

test('a name stands for its index, another for the image alone, an id and a digest for what there is', async () => {
  using parts = fakeParts();
  const { image, root } = await addRooted(parts);
  const tagged = await tagImage(parts, 'app:1', 'other');
  assert.deepEqual(tagged.roots?.map(({ tag }) => tag).sort(), ['app:1', 'other:latest']);
  // A build or load of the image alone under that name.
  using lease = parts.content.lease('again');
  await adopt(parts, { manifest: image.manifests[0]!, tags: ['other:latest'], lease });
  const now = parts.index.get(image.id)!;
  const cases: readonly (readonly [string, Digest | undefined])[] = [
    ['app:1', root.digest],
    ['docker.io/library/app:1', root.digest],
    ['other', undefined],
    [image.id, root.digest],
    [image.id.slice(7, 15), root.digest],
    [root.digest, root.digest],
    [`app@${root.digest}`, root.digest],
  ];
  for (const [reference, expected] of cases) assert.equal(rootOf(now, reference)?.digest, expected, reference);
  assert.equal(parts.index.find(root.digest)?.id, image.id);
});

test('the image for another platform: looked at as it is, recorded when it is wanted, and in no list', async () => {
  using parts = fakeParts();
  const { image, armManifest } = await addRooted(parts);
  const seen = await lookAtPlatform(parts, 'app:1', arm);
  assert.deepEqual([seen.author, seen.platform, seen.tags], ['somebody', arm, ['app:1']]);
  assert.equal(parts.index.list().length, 1);
  const taken = await imageForPlatform(parts, 'app:1', arm);
  assert.deepEqual([taken.id, taken.tags, taken.layers], [seen.id, [], image.layers]);
  assert.equal((await imageForPlatform(parts, 'app:1', parts.host)).id, image.id);
  await assert.rejects(imageForPlatform(parts, 'app:1', s390), { code: 'image.otherPlatform' });
  const rooted = rootedManifests(parts, parts.index.list());
  assert.ok(rooted.has(armManifest.digest));
  assert.deepEqual([isRooted(taken, rooted), isRooted(image, rooted)], [true, false]);
  // It is neither dangling nor left behind.
  await pruneImages(parts, { all: false, matches: () => true }, unused);
  assert.equal(parts.index.list().length, 2);
  const { deleted } = await remove(parts, 'app:1');
  assert.deepEqual(deleted.filter((id) => id === taken.id || id === image.id).sort(), [image.id, taken.id].sort());
  assert.deepEqual([parts.index.list().length, parts.content.list().length], [0, 0]);
});

test('a container keeps the image it uses; the rest of the index goes with its name', async () => {
  using parts = fakeParts();
  const { root, statement } = await addRooted(parts);
  const taken = await imageForPlatform(parts, 'app:1', arm);
  await removeImage(parts, {
    ...{ reference: 'app:1', force: false, keepParents: false },
    inUse: (id) => (id === taken.id ? { containerId: 'c', isRunning: true } : undefined),
  });
  assert.deepEqual(
    parts.index.list().map(({ id }) => id),
    [taken.id],
  );
  assert.equal(parts.content.stat(root.digest), undefined);
  assert.equal(parts.content.stat(statement), undefined);
  assert.ok(parts.content.stat(taken.manifests[0]!.digest));
});

test('its blobs are kept as long as one name stands for it, and removed by its digest as well', async () => {
  using parts = fakeParts();
  const { image, statement, root } = await addRooted(parts);
  await tagImage(parts, 'app:1', 'app:2');
  await collectGarbage(parts);
  assert.ok(parts.content.stat(statement));
  await remove(parts, 'app:1');
  assert.ok(parts.content.stat(statement));
  await tagImage(parts, image.id, 'app:3');
  await remove(parts, root.digest);
  assert.equal(parts.content.list().length, 0);
});

test('members tell what is here, and statements are read', async () => {
  using parts = fakeParts();
  const { image, armManifest, root } = await addRooted(parts);
  const members = await membersOf(parts, image);
  assert.deepEqual(
    members.map(({ kind, platform, about, contentBytes }) => [
      kind,
      platform?.architecture,
      about,
      contentBytes !== undefined,
    ]),
    [
      ['image', 'amd64', undefined, true],
      ['image', 'arm64', undefined, true],
      ['attestation', undefined, armManifest.digest, true],
    ],
  );
  assert.deepEqual(await attestationsOf(parts, 'app:1', undefined), [], 'none is about the one of this host');
  const [statement] = await attestationsOf(parts, 'app:1', arm);
  assert.equal(statement?.predicateType, 'https://slsa.dev/provenance/v1');
  assert.equal((await statement.read()).toString(), '{"predicate":{"a":1}}');
  await assert.rejects(attestationsOf(parts, 'app:1', s390), { code: 'image.otherPlatform' });
  assert.deepEqual(rootOf(image, 'app:1')?.digest, root.digest);
});

test('a push is of the whole index, or of the image for one platform', async () => {
  using parts = fakeParts();
  const { image, root, armManifest } = await addRooted(parts, 'host.test/app:1');
  const pushed: Digest[] = [];
  const registry = {
    push: async (_reference: unknown, descriptor: Descriptor) => {
      pushed.push(descriptor.digest);
      return { descriptor };
    },
  } as unknown as FakeParts['registry'];
  const all = { ...parts, registry };
  await pushImages(all, 'host.test/app:1', {});
  await pushImages(all, 'host.test/app:1', { platform: arm });
  assert.deepEqual(pushed, [root.digest, armManifest.digest]);
  await assert.rejects(pushImages(all, 'host.test/app:1', { platform: s390 }), { code: 'image.otherPlatform' });
  assert.ok(parts.index.get(image.id)?.repoDigests.includes(`host.test/app@${root.digest}`));
});

test('an archive of it has the whole index, and brings it back; for one platform it has that image', async () => {
  using parts = fakeParts();
  const { image, root } = await addRooted(parts);
  const saved = async (platform?: typeof arm): Promise<Buffer> => {
    const stream = await saveImages(parts, ['app:1'], platform ? { platform } : {});
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const [whole, one] = [await saved(), await saved(arm)];
  assert.ok(whole.length > one.length);
  assert.equal(one.includes(root.digest.slice(7)), false);
  await remove(parts, 'app:1');
  assert.equal(parts.content.list().length, 0);
  const load = (bytes: Buffer) => loadImages(parts, Readable.from([bytes], { objectMode: false }), {});
  // The layer is here: nothing can be unpacked in this test.
  await addImage(parts, { layers: ['base'], tags: ['keeper:1'], comment: 'keeps the layer' });
  const [back] = await load(whole);
  assert.deepEqual([back?.id, back?.tags, back?.roots?.[0]?.root.digest], [image.id, ['app:1'], root.digest]);
  await collectGarbage(parts);
  assert.equal((await imageForPlatform(parts, 'app:1', arm)).platform.architecture, 'arm64');
  const [single] = await load(one);
  assert.deepEqual([single?.platform.architecture, single?.roots], ['arm64', undefined]);
});

test('an index of which something is gone is told, and with repair the name stands for the image alone', async () => {
  using parts = fakeParts();
  const { image, statement } = await addRooted(parts);
  rmSync(parts.content.path(statement));
  const faults = await checkImages(parts, { repair: true, deep: false });
  assert.deepEqual(faults.map(({ kind, isRepaired }) => `${kind} ${isRepaired}`).sort(), [
    'image-root true',
    'missing-file true',
  ]);
  assert.equal(parts.index.get(image.id)?.roots, undefined);
  assert.deepEqual(await checkImages(parts, { repair: false, deep: false }), []);
});

test('an index without a name belongs to its image, which is dangling', async () => {
  using parts = fakeParts();
  const { image, root } = await addRooted(parts, '');
  assert.deepEqual(image.roots, [{ tag: '', root }]);
  assert.equal(isRooted(image, rootedManifests(parts, [image])), false);
  const { deleted } = await pruneImages(parts, { all: false, matches: () => true }, unused);
  assert.ok(deleted.includes(image.id));
  assert.equal(parts.content.list().length, 0);
});
