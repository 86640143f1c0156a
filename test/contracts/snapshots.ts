/** What every kind of writable layer has to do, whatever it is on disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { type Digest, memoryRecordStores, type RecordStores } from '#base';
import type { Snapshots } from '#images';
import { helperPath, readHostFacts } from '#linux';
import { chainIdOf } from '../../src/images/layers/chain-id.ts';
import { type LayerKey, LayerStore } from '../../src/images/layers/layer-store.ts';
import { openLayerUnpacker } from '../../src/images/layers/layer-unpacker.ts';
import { needsSettling, settleLayer } from '../../src/images/layers/settle-layer.ts';
import type { OpenSnapshotsOptions } from '../../src/images/snapshots/open-snapshots.ts';
import { archive, file, folder, hardLink, symlink } from '../support/archives.ts';

const IMAGE = `sha256:${'a'.repeat(64)}`;
const CONTAINER = 'c'.repeat(64);
const facts = readHostFacts();
const helperProgram = helperPath();

interface World {
  readonly dataRoot: string;
  readonly snapshots: Snapshots;
  readonly records: RecordStores;
  readonly layers: LayerStore;
}

/** An image of these layers, lowest first. */
async function world(context: TestContext, open: Open, ...archives: readonly Buffer[]): Promise<World> {
  const dataRoot = mkdtempSync(`${tmpdir()}/skiff-snapshots-`);
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const records = memoryRecordStores();
  const layers = new LayerStore({ dataRoot, records });
  const keys: LayerKey[] = [];
  const snapshots = open({ dataRoot, records, facts, helperProgram, layers, stackOf: () => keys });
  const form = snapshots.layerForm;
  await using unpacker = openLayerUnpacker({ helperProgram, form });
  const diffIds: Digest[] = [];
  for (const bytes of archives) {
    writeFileSync(`${dataRoot}/blob`, bytes);
    await using pending = layers.begin();
    const layer = await unpacker.unpack({ blob: `${dataRoot}/blob`, folder: pending.folder });
    const lowers = keys.map((key) => layers.folder(key)).toReversed();
    const isSettled = needsSettling(layer);
    if (isSettled) await settleLayer({ folder: pending.folder, lowers, form, facts, helperProgram }, layer);
    diffIds.push(layer.diffId);
    const chainId = isSettled ? chainIdOf(diffIds as [Digest, ...Digest[]]) : undefined;
    keys.push((await pending.commit({ ...layer, chainId })).key);
  }
  return { dataRoot, snapshots, records, layers };
}

export type Open = (options: OpenSnapshotsOptions) => Snapshots;

/** Runs a shell script in the container's root, as a process inside would. */
function inside(snapshots: Snapshots, script: string): string {
  const layer = snapshots.open(CONTAINER, IMAGE);
  if (layer.kind === 'folder') return execFileSync('sh', ['-ec', script], { cwd: layer.folder, encoding: 'utf8' });
  const mounted = mkdtempSync(`${tmpdir()}/skiff-mounted-`);
  try {
    const mount = 'mount -t overlay overlay -o "$1" "$2"; cd "$2"; eval "$3"';
    const args = ['-m', 'sh', '-ec', mount, 'sh', layer.overlayOptions.join(','), mounted, script];
    return execFileSync('unshare', args, { encoding: 'utf8' });
  } finally {
    rmSync(mounted, { recursive: true });
  }
}

const LIST = 'find . -mindepth 1 ! -path "./dev*" ! -path "./etc*" ! -name proc ! -name sys ! -name .dockerenv | sort';

async function namesIn(tar: AsyncIterable<Buffer>): Promise<string[]> {
  const input = Buffer.concat(await Array.fromAsync(tar));
  const listed = execFileSync('tar', ['-tf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
  return listed.filter((name) => !/^(dev|etc|proc|sys|\.dockerenv)/.test(name));
}

const LOWER = archive(
  folder('./', { mode: 0o750 }),
  folder('d/', { mode: 0o1777, uid: 7 }),
  file('d/old', 'old'),
  folder('o/'),
  file('o/hidden', ''),
  file('gone', ''),
  file('a', 'lower'),
  hardLink('b', 'a'),
  file('-dash', 'x'),
);
const UPPER = archive(
  file('.wh.gone', ''),
  file('o/.wh..wh..opq', ''),
  file('o/shown', 's'),
  file('d/new', 'new'),
  symlink('link', 'd/new'),
  file('.wh.-dash', ''),
  hardLink('from-below', 'd/old'),
);

/** The contract, for the kind of snapshots that `open` gives. */
export function snapshotsContract(name: string, open: Open, options: { readonly skip: string | false }): void {
  test(`${name}: a container sees its image, and what it changes is its own`, options, async (context) => {
    const { snapshots } = await world(context, open, LOWER, UPPER);
    await snapshots.create(CONTAINER, IMAGE);
    const expected = './a ./b ./d ./d/new ./d/old ./from-below ./link ./o ./o/shown'.split(' ');
    assert.deepEqual(inside(snapshots, LIST).trim().split('\n'), expected);
    assert.equal(inside(snapshots, 'cat a d/new from-below; stat -c " %a %u" . d'), 'lowernewold 750 0\n 1777 7\n');
    inside(snapshots, 'echo x > a; rm -r o');
    assert.equal(inside(snapshots, 'cat a; ls -d o 2>/dev/null || echo no'), 'x\nno\n');
    assert.deepEqual(snapshots.list(), [CONTAINER]);
    assert.ok(inside(snapshots, 'ls -d dev/pts etc/hosts proc sys').length > 0, 'what is mounted on is there');
  });

  test(`${name}: changes are told, packed as a layer that makes them again, and exported`, options, async (context) => {
    const { snapshots } = await world(context, open, LOWER, UPPER);
    await snapshots.create(CONTAINER, IMAGE);
    inside(snapshots, 'rm d/old; echo n > d/added; chmod 700 o; mkdir -p n/m; echo > n/m/k; rm -r d/new');
    const found = await snapshots.changes(CONTAINER, IMAGE);
    const told = found.map(({ kind, path }) => `${kind[0]} ${path}`);
    const expected = ['m /d', 'a /d/added', 'd /d/new', 'd /d/old', 'a /n', 'a /n/m', 'a /n/m/k', 'm /o'];
    assert.deepEqual(told, expected);
    const packed = Buffer.concat(await Array.fromAsync(snapshots.pack(CONTAINER, IMAGE)));
    const exported = await namesIn(snapshots.export(CONTAINER, IMAGE));
    assert.deepEqual(exported, [
      'a',
      'b',
      'd/',
      'd/added',
      'from-below',
      'link',
      'n/',
      'n/m/',
      'n/m/k',
      'o/',
      'o/shown',
    ]);

    const again = await world(context, open, LOWER, UPPER, packed);
    await again.snapshots.create(CONTAINER, IMAGE);
    assert.deepEqual(await namesIn(again.snapshots.export(CONTAINER, IMAGE)), exported);
    assert.deepEqual(await again.snapshots.changes(CONTAINER, IMAGE), []);
    assert.equal(inside(again.snapshots, 'stat -c %a o; cat d/added'), '700\nn\n');
  });

  test(
    `${name}: files with several names stay such in a layer, and those below as they are`,
    options,
    async (context) => {
      const { snapshots } = await world(context, open, LOWER);
      await snapshots.create(CONTAINER, IMAGE);
      inside(snapshots, 'echo x > one; mkdir n; ln one n/two; ln one three; ln d/old linked; ln d/old n/linked');
      const packed = Buffer.concat(await Array.fromAsync(snapshots.pack(CONTAINER, IMAGE)));
      const again = await world(context, open, LOWER, packed);
      await again.snapshots.create(CONTAINER, IMAGE);
      const same = 'test one -ef n/two && test one -ef three && test linked -ef n/linked && cat n/two linked d/old';
      assert.equal(inside(again.snapshots, same), 'x\noldold');
    },
  );

  test(
    `${name}: create() again changes nothing, remove() leaves nothing but others' files`,
    options,
    async (context) => {
      const { snapshots, dataRoot } = await world(context, open, LOWER);
      await snapshots.create(CONTAINER, IMAGE);
      inside(snapshots, 'echo kept > kept');
      await snapshots.create(CONTAINER, IMAGE);
      assert.equal(inside(snapshots, 'cat kept'), 'kept\n');
      writeFileSync(`${dataRoot}/containers/${CONTAINER}/log`, '');
      await snapshots.remove(CONTAINER);
      await snapshots.remove(CONTAINER);
      assert.deepEqual(snapshots.list(), []);
      assert.deepEqual(readdirSync(`${dataRoot}/containers/${CONTAINER}`), ['log']);
      assert.throws(() => snapshots.open(CONTAINER, IMAGE), { code: 'image.missingFolder' });
    },
  );

  test(`${name}: an image that lacks a layer gives no container, and leaves nothing`, options, async (context) => {
    const { snapshots, layers, dataRoot } = await world(context, open, LOWER, UPPER);
    await layers.remove(layers.list()[0]!.key);
    await assert.rejects(snapshots.create(CONTAINER, IMAGE), { code: 'image.missingFolder' });
    assert.deepEqual([snapshots.list(), readdirSync(`${dataRoot}/containers`)], [[], []]);
  });

  test(`${name}: a half-made container is not taken for a whole one`, options, async (context) => {
    const { snapshots, dataRoot } = await world(context, open, LOWER);
    mkdirSync(`${dataRoot}/containers/${CONTAINER}/tmp-diff/left`, { recursive: true });
    await snapshots.create(CONTAINER, IMAGE);
    assert.equal(inside(snapshots, 'cat a; ls -d left 2>/dev/null || echo no'), 'lowerno\n');
    await snapshots.remove(CONTAINER);
    assert.deepEqual(snapshots.list(), []);
  });

  test(`${name}: a size limit is kept or refused, never ignored`, options, async (context) => {
    const { snapshots, dataRoot } = await world(context, open, LOWER);
    const limited = snapshots.create(CONTAINER, IMAGE, { sizeLimitBytes: 1_000_000 });
    await limited.then(
      () => assert.throws(() => inside(snapshots, 'head -c 3000000 /dev/zero > large'), /quota/i),
      (error: unknown) => {
        assert.match(String(error), /size of a container's file system cannot be limited: .*(quota|vfs)/);
        assert.deepEqual(readdirSync(`${dataRoot}/containers`), []);
      },
    );
  });
}
