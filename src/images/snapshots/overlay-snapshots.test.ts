import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test, type TestContext } from 'node:test';
import { type Digest, memoryRecordStores } from '#base';
import { helperPath } from '#linux';
import { type LayerKey, layerKey, LayerStore } from '../layers/layer-store.ts';
import { overlayOptions } from './overlay-options.ts';
import { OverlaySnapshots } from './overlay-snapshots.ts';

const LOWER = `sha256:${'1'.repeat(64)}` as Digest;
const UPPER = `sha256:${'2'.repeat(64)}` as Digest;
const STACK = [layerKey(LOWER), layerKey(UPPER)];
const IMAGE = `sha256:${'c'.repeat(64)}`;
const helperProgram = helperPath();
const CONTAINER = 'd'.repeat(64);
const facts: { kernel: { major: number; minor: number } } = { kernel: { major: 6, minor: 12 } };

interface World {
  readonly dataRoot: string;
  readonly layers: LayerStore;
  readonly snapshots: OverlaySnapshots;
}

async function setUp(context: TestContext, kernel = facts.kernel): Promise<World> {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-snapshots-`);
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const records = memoryRecordStores();
  const layers = new LayerStore({ dataRoot, records });
  for (const diffId of [LOWER, UPPER])
    await layers.begin().commit({ diffId, sizeBytes: 0, givesRoot: diffId === LOWER });
  const stackOf = (id: string): LayerKey[] | undefined => (id === IMAGE ? STACK : undefined);
  return {
    dataRoot,
    layers,
    snapshots: new OverlaySnapshots({ dataRoot, facts: { kernel }, stackOf, layers, records, helperProgram }),
  };
}

test('a writable layer stands on the init layer and the image, topmost first', async (context) => {
  const { dataRoot, layers, snapshots } = await setUp(context);
  await snapshots.create(CONTAINER, IMAGE);
  const lowers = [`${dataRoot}/init-layer/diff`, layers.folder(layerKey(UPPER)), layers.folder(layerKey(LOWER))];
  const own = `${dataRoot}/containers/${CONTAINER}`;
  assert.deepEqual(snapshots.open(CONTAINER, IMAGE), {
    kind: 'overlay',
    folders: [`${own}/diff`, ...lowers],
    overlayOptions: [
      ...lowers.map((path) => `lowerdir+=${path}`),
      `upperdir=${own}/diff`,
      `workdir=${own}/work`,
      'index=off',
      'metacopy=off',
      'redirect_dir=off',
    ],
  });
});

test('the mode of the root comes from the topmost layer that says it, whatever the umask', async (context) => {
  const { dataRoot, layers, snapshots } = await setUp(context);
  chmodSync(layers.folder(layerKey(LOWER)), 0o1775);
  chmodSync(layers.folder(layerKey(UPPER)), 0o700);
  const before = process.umask(0o077);
  context.after(() => process.umask(before));
  await snapshots.create(CONTAINER, IMAGE);
  assert.equal(statSync(`${dataRoot}/containers/${CONTAINER}/diff`).mode & 0o7777, 0o1775);
  assert.equal(statSync(`${dataRoot}/containers/${CONTAINER}`).mode & 0o7777, 0o700);
});

test('create() again changes nothing, remove() takes the folders, and again is no error', async (context) => {
  const { dataRoot, snapshots } = await setUp(context);
  const own = `${dataRoot}/containers/${CONTAINER}`;
  await snapshots.create(CONTAINER, IMAGE);
  mkdirSync(`${own}/diff/a/b`, { recursive: true });
  writeFileSync(`${own}/diff/a/b/c`, 'kept');
  mkdirSync(`${own}/work/work`, { mode: 0 });
  await snapshots.create(CONTAINER, IMAGE);
  assert.ok(existsSync(`${own}/diff/a/b/c`));
  assert.deepEqual(snapshots.list(), [CONTAINER]);
  await snapshots.remove(CONTAINER);
  await snapshots.remove(CONTAINER);
  assert.deepEqual(snapshots.list(), []);
  assert.equal(existsSync(own), false);
});

test("remove() leaves others' files in the container's folder, and list() does not show it any more", async (context) => {
  const { dataRoot, snapshots } = await setUp(context);
  await snapshots.create(CONTAINER, IMAGE);
  writeFileSync(`${dataRoot}/containers/${CONTAINER}/log`, '');
  await snapshots.remove(CONTAINER);
  assert.deepEqual(readdirSync(`${dataRoot}/containers/${CONTAINER}`), ['log']);
  assert.deepEqual(snapshots.list(), []);
});

test('open() and create() refuse what is missing and name it', async (context) => {
  const { layers, snapshots } = await setUp(context);
  await assert.rejects(snapshots.create(CONTAINER, 'sha256:none'), { code: 'image.noSuch' });
  assert.throws(() => snapshots.open(CONTAINER, IMAGE), {
    code: 'image.missingFolder',
    message: new RegExp(`writable layer of container ${CONTAINER} is missing`),
  });
  await snapshots.create(CONTAINER, IMAGE);
  await layers.remove(layerKey(LOWER));
  assert.throws(() => snapshots.open(CONTAINER, IMAGE), /a layer of image sha256:c+ is missing: .*1111\/diff/);
});

test('the init layer holds what containers mount on, is made once, and never half', async (context) => {
  const { dataRoot, layers } = await setUp(context);
  const root = `${dataRoot}/init-layer/diff`;
  const inode = lstatSync(root).ino;
  mkdirSync(`${dataRoot}/init-layer.tmp-dead/diff`, { recursive: true });
  void new OverlaySnapshots({
    ...{ dataRoot, facts, layers, helperProgram },
    stackOf: () => undefined,
    records: memoryRecordStores(),
  });
  assert.equal(lstatSync(root).ino, inode);
  assert.equal(existsSync(`${dataRoot}/init-layer.tmp-dead`), false);
  assert.deepEqual(readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted(), [
    '.dockerenv',
    'dev',
    'dev/console',
    'dev/pts',
    'dev/shm',
    'etc',
    'etc/hostname',
    'etc/hosts',
    'etc/mtab',
    'etc/resolv.conf',
    'proc',
    'sys',
  ]);
  assert.equal(readlinkSync(`${root}/etc/mtab`), '/proc/mounts');
  assert.equal(statSync(`${root}/etc/hosts`).mode & 0o777, 0o755);
});

test('kernels before 6.8 get all lower folders in one option, with colons and backslashes escaped', () => {
  const check = (major: number, minor: number, expected: string[]): void =>
    assert.deepEqual(
      overlayOptions({ lowers: ['/a:b', '/c\\d'], upper: '/u:\\', work: '/w' }, { kernel: { major, minor } }),
      [...expected, 'upperdir=/u:\\\\', 'workdir=/w', 'index=off', 'metacopy=off', 'redirect_dir=off'],
    );
  check(6, 8, ['lowerdir+=/a:b', 'lowerdir+=/c\\d']);
  check(7, 0, ['lowerdir+=/a:b', 'lowerdir+=/c\\d']);
  check(6, 7, ['lowerdir=/a\\:b:/c\\\\d']);
  check(5, 10, ['lowerdir=/a\\:b:/c\\\\d']);
});
