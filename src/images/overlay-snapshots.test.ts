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
import type { Digest } from '#base';
import { emptyImageConfig, type ImageRecord } from './image-record.ts';
import { LayerStore } from './layer-store.ts';
import { OverlaySnapshots, overlayOptions } from './overlay-snapshots.ts';

const LOWER = `sha256:${'1'.repeat(64)}` as Digest;
const UPPER = `sha256:${'2'.repeat(64)}` as Digest;
const IMAGE: ImageRecord = {
  version: 1,
  id: `sha256:${'c'.repeat(64)}` as Digest,
  tags: [],
  createdAt: '2026-01-02T03:04:05Z',
  architecture: 'amd64',
  os: 'linux',
  config: emptyImageConfig,
  layers: [LOWER, UPPER],
  sizeBytes: 0,
  comment: '',
};
const CONTAINER = 'd'.repeat(64);
const facts = { kernel: { major: 6, minor: 12 } };

function setUp(context: TestContext): { dataRoot: string; layers: LayerStore; snapshots: OverlaySnapshots } {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-snapshots-`);
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const layers = new LayerStore(dataRoot);
  for (const layer of IMAGE.layers) layers.begin().commit(layer, 0);
  const images = { get: (id: string) => (id === IMAGE.id ? IMAGE : undefined) };
  return { dataRoot, layers, snapshots: new OverlaySnapshots({ dataRoot, facts, images, layers }) };
}

test('a writable layer stands on the init layer and the image, topmost first', (context) => {
  const { dataRoot, layers, snapshots } = setUp(context);
  snapshots.create(CONTAINER, IMAGE.id);
  const lowers = [`${dataRoot}/init-layer/diff`, layers.folder(UPPER), layers.folder(LOWER)];
  const own = `${dataRoot}/containers/${CONTAINER}`;
  assert.deepEqual(snapshots.open(CONTAINER, IMAGE.id), {
    folders: [`${own}/diff`, ...lowers],
    overlayOptions: [
      ...lowers.map((path) => `lowerdir+=${path}`),
      `upperdir=${own}/diff`,
      `workdir=${own}/work`,
      'index=off',
    ],
  });
});

test('the mode of the root comes from the image, whatever the umask', (context) => {
  const { dataRoot, layers, snapshots } = setUp(context);
  chmodSync(layers.folder(UPPER), 0o1775);
  const before = process.umask(0o077);
  context.after(() => process.umask(before));
  snapshots.create(CONTAINER, IMAGE.id);
  assert.equal(statSync(`${dataRoot}/containers/${CONTAINER}/diff`).mode & 0o7777, 0o1775);
  assert.equal(statSync(`${dataRoot}/containers/${CONTAINER}`).mode & 0o7777, 0o700);
});

test('create() again changes nothing, remove() takes the folders, and again is no error', async (context) => {
  const { dataRoot, snapshots } = setUp(context);
  const own = `${dataRoot}/containers/${CONTAINER}`;
  snapshots.create(CONTAINER, IMAGE.id);
  mkdirSync(`${own}/diff/a/b`, { recursive: true });
  writeFileSync(`${own}/diff/a/b/c`, 'kept');
  mkdirSync(`${own}/work/work`, { mode: 0 });
  snapshots.create(CONTAINER, IMAGE.id);
  assert.ok(existsSync(`${own}/diff/a/b/c`));
  assert.deepEqual(snapshots.list(), [CONTAINER]);
  await snapshots.remove(CONTAINER);
  await snapshots.remove(CONTAINER);
  assert.deepEqual(snapshots.list(), []);
  assert.equal(existsSync(own), false);
});

test("remove() leaves others' files in the container's folder, and list() does not show it any more", async (context) => {
  const { dataRoot, snapshots } = setUp(context);
  snapshots.create(CONTAINER, IMAGE.id);
  writeFileSync(`${dataRoot}/containers/${CONTAINER}/log`, '');
  await snapshots.remove(CONTAINER);
  assert.deepEqual(readdirSync(`${dataRoot}/containers/${CONTAINER}`), ['log']);
  assert.deepEqual(snapshots.list(), []);
});

test('open() and create() refuse what is missing and name it', async (context) => {
  const { layers, snapshots } = setUp(context);
  assert.throws(() => snapshots.create(CONTAINER, 'sha256:none'), { code: 'image.noSuch' });
  assert.throws(() => snapshots.open(CONTAINER, IMAGE.id), {
    code: 'image.missingFolder',
    message: new RegExp(`writable layer of container ${CONTAINER} is missing`),
  });
  snapshots.create(CONTAINER, IMAGE.id);
  await layers.remove(LOWER);
  assert.throws(() => snapshots.open(CONTAINER, IMAGE.id), /a layer of image sha256:c+ is missing: .*1111\/diff/);
});

test('the init layer holds what containers mount on, is made once, and never half', (context) => {
  const { dataRoot, layers } = setUp(context);
  const root = `${dataRoot}/init-layer/diff`;
  const inode = lstatSync(root).ino;
  mkdirSync(`${dataRoot}/init-layer.tmp-dead/diff`, { recursive: true });
  void new OverlaySnapshots({ dataRoot, facts, images: { get: () => undefined }, layers });
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
      [...expected, 'upperdir=/u:\\\\', 'workdir=/w', 'index=off'],
    );
  check(6, 8, ['lowerdir+=/a:b', 'lowerdir+=/c\\d']);
  check(7, 0, ['lowerdir+=/a:b', 'lowerdir+=/c\\d']);
  check(6, 7, ['lowerdir=/a\\:b:/c\\\\d']);
  check(5, 10, ['lowerdir=/a\\:b:/c\\\\d']);
});
