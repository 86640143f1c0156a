/** Layers on a real kernel: from blobs to folders overlayfs stacks, and back. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Digest, digestOf, memoryRecordStores } from '#base';
import { helperPath, kernelAtLeast, openTreeReader, readHostFacts } from '#linux';
import { byteString, encodeTarEntry, type TarEntry, tarEntry } from '#wire';
import { type LayerKey, LayerStore } from '../../src/images/layers/layer-store.ts';
import { OverlaySnapshots } from '../../src/images/snapshots/overlay-snapshots.ts';
import { archive, file, folder, hardLink, MTIME, symlink } from '../support/archives.ts';
import { world } from '../support/layer-world.ts';
import { missing } from '../support/needs.ts';

const options = { skip: missing('root') };
const facts = readHostFacts();

const to = (path: string): Partial<TarEntry> => ({ linkPath: byteString(path), mtimeNs: MTIME });

/** What overlayfs makes of folders, topmost first: paths below the root. */
function stacked(folders: readonly string[], script: string): string {
  const mount = 'mount -t overlay overlay -o "ro,$1" "$2" && cd "$2" && eval "$3"';
  const target = mkdtempSync(`${tmpdir()}/skiff-mounted-`);
  try {
    const lower = folders.map((path) => `lowerdir+=${path}`).join(',');
    const args = ['-m', 'sh', '-ec', mount, 'sh', lower, target, script];
    return execFileSync('unshare', args, { encoding: 'utf8' });
  } finally {
    rmSync(target, { recursive: true });
  }
}

test('a layer is the same from a plain, a gzip and a zstd blob, on threads of its own', options, async (context) => {
  await using w = world(context);
  const large = Buffer.alloc(5_000_001, 'large');
  const plain = archive(
    folder('d/', { mode: 0o1777 }),
    file('d/a', 'content'),
    file('large', large),
    file('empty', ''),
  );
  const forms = [plain, gzipSync(plain), zstdCompressSync(plain)];
  const unpacked = await Promise.all(forms.map((form) => w.put(form)));
  const diffId = `sha256:${createHash('sha256').update(plain).digest('hex')}`;
  for (const { root, layer } of unpacked) {
    assert.deepEqual(layer, {
      diffId,
      sizeBytes: 5_000_008,
      givesRoot: false,
      hidesBelow: false,
      impliedFolders: [],
      missingLinks: [],
    });
    assert.equal(readFileSync(`${root}/d/a`, 'utf8'), 'content');
    assert.ok(readFileSync(`${root}/large`).equals(large));
    assert.equal(statSync(`${root}/empty`).size, 0);
    assert.equal(statSync(`${root}/d`).mode & 0o7777, 0o1777);
    assert.equal(statSync(`${root}/d`, { bigint: true }).mtimeNs, MTIME);
    assert.equal(statSync(`${root}/large`, { bigint: true }).mtimeNs, MTIME);
  }
});

test('what a layer hides is hidden, whatever the order of its entries', options, async (context) => {
  await using w = world(context);
  const names = ['gone', 'folder/', 'folder/old', 'opaque/', 'opaque/old', 'again/', 'again/old', 'file', 'kept'];
  const { root: lower } = await w.put(
    archive(...names.map((name) => (name.endsWith('/') ? folder(name) : file(name, 'lower')))),
  );
  const marks = ['.wh.gone', '.wh.folder', 'opaque/.wh..wh..opq', '.wh.again', '.wh.file'].map((name) =>
    file(name, ''),
  );
  const things = [folder('folder/'), file('folder/new', ''), folder('opaque/'), file('opaque/new', '')];
  things.push(folder('again/'), file('again/new', ''), file('file', 'upper'));
  for (const parts of [
    [...marks, ...things],
    [...things, ...marks],
    [...things, ...marks.toReversed()],
  ]) {
    const { root: upper } = await w.put(archive(...parts));
    const found = stacked([upper, lower], 'find . -mindepth 1 | sort | tr "\\n" " "; cat file');
    assert.equal(found, './again ./again/new ./file ./folder ./folder/new ./kept ./opaque ./opaque/new upper');
    const device = lstatSync(`${upper}/gone`);
    assert.deepEqual([device.isCharacterDevice(), device.rdev], [true, 0]);
  }
});

test('links to what only layers below have are told, others are made', options, async (context) => {
  await using w = world(context);
  const parts = [file('a', 'a'), encodeTarEntry(tarEntry('b', 'hard-link', to('a')))];
  parts.push(encodeTarEntry(tarEntry('c', 'hard-link', to('lower/file'))));
  const { root, layer } = await w.put(archive(...parts));
  assert.deepEqual(layer.missingLinks, [{ path: 'c', existing: 'lower/file' }]);
  assert.equal(statSync(`${root}/a`).ino, statSync(`${root}/b`).ino);
  assert.equal(existsSync(`${root}/c`), false);
});

test('a plain blob that was just hashed is not hashed again, any other is', options, async (context) => {
  await using w = world(context);
  const plain = archive(file('a', 'a'));
  // Of no blob here, so that it shows where it is taken over.
  const verifiedDigest = digestOf('what the store found');
  for (const [name, blob, digest, diffId] of [
    ['plain', plain, verifiedDigest, verifiedDigest],
    ['zipped', gzipSync(plain), verifiedDigest, digestOf(plain)],
    ['longer', plain, `sha512:${'0'.repeat(128)}` as Digest, digestOf(plain)],
  ] as const) {
    writeFileSync(`${w.folder}/${name}.tar`, blob);
    mkdirSync(`${w.folder}/${name}`);
    const request = { blob: `${w.folder}/${name}.tar`, folder: `${w.folder}/${name}`, verifiedDigest: digest };
    assert.equal((await w.unpacker.unpack(request)).diffId, diffId, name);
  }
});

test('a failing or cancelled layer is refused with its own error, and the thread goes on', options, async (context) => {
  await using w = world(context, 1);
  const cut = archive(file('a', Buffer.alloc(100_000))).subarray(0, 50_000);
  await assert.rejects(w.put(cut), { code: 'tar.truncated' });
  await assert.rejects(w.put(archive(file('../a', ''))), { code: 'image.forbiddenEntry', kind: 'invalid' });
  await assert.rejects(w.put(gzipSync(archive(file('a', 'a'))).subarray(0, -4)), { code: 'image.badCompression' });
  await assert.rejects(w.unpacker.unpack({ blob: `${w.folder}/none`, folder: w.folder }), { code: 'image.unpack' });
  writeFileSync(`${w.folder}/good.tar`, archive(file('a', 'a')));
  await assert.rejects(w.unpacker.unpack({ blob: `${w.folder}/good.tar`, folder: `${w.folder}/none` }), {
    code: 'image.unpack',
    message: /chroot: .*none/,
  });
  const blob = `${w.folder}/zeros.gz`;
  writeFileSync(blob, gzipSync(archive(file('zeros', Buffer.alloc(200_000_000)))));
  mkdirSync(`${w.folder}/zeros`);
  mkdirSync(`${w.folder}/waiting`);
  const first = AbortSignal.timeout(20);
  const running = w.unpacker.unpack({ blob, folder: `${w.folder}/zeros`, signal: first });
  const abort = new AbortController();
  const waiting = w.unpacker.unpack({ blob, folder: `${w.folder}/waiting`, signal: abort.signal });
  abort.abort();
  await assert.rejects(waiting, { code: 'image.cancelled', kind: 'cancelled' });
  await assert.rejects(running, { code: 'image.cancelled', kind: 'cancelled' });
  assert.deepEqual(readdirSync(`${w.folder}/waiting`), []);
  assert.ok((await w.put(archive(file('a', 'a')))).layer.sizeBytes === 1);
});

test('an idle unpacker keeps no process alive, a closed one takes no more', options, async (context) => {
  const program = `
    import { helperPath } from '#linux';
    import { openLayerUnpacker } from './src/images/layers/layer-unpacker.ts';
    const unpacker = openLayerUnpacker({ helperProgram: helperPath() });
    const [, blob, folder] = process.argv;
    console.log((await unpacker.unpack({ blob, folder })).sizeBytes);
  `;
  await using w = world(context);
  writeFileSync(`${w.folder}/a.tar`, archive(file('a', 'abc')));
  mkdirSync(`${w.folder}/a`);
  const args = ['--input-type=module-typescript', '-e', program, `${w.folder}/a.tar`, `${w.folder}/a`];
  const started = performance.now();
  const child = spawnSync(process.execPath, args, { cwd: new URL('../..', import.meta.url), encoding: 'utf8' });
  assert.equal(child.stderr + child.stdout, '3\n');
  assert.ok(performance.now() - started < 4000, 'it did not wait for the thread to be idle for long');
  await w.unpacker[Symbol.asyncDispose]();
  await assert.rejects(w.put(archive(file('a', 'a'))), { code: 'image.cancelled' });
});

test('more than a hundred layers are stacked, in the options of new and of old kernels', options, async (context) => {
  // As long as /var/lib/skiff: a page has to hold the names of all.
  const dataRoot = mkdtempSync('/tmp/sk-');
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const records = memoryRecordStores();
  const layers = new LayerStore({ dataRoot, records });
  const tools = { dataRoot, layers, records, helperProgram: helperPath() };
  const keys: LayerKey[] = [];
  for (let index = 0; index < 126; index += 1) {
    const pending = layers.begin();
    writeFileSync(`${pending.folder}/${index}`, '');
    writeFileSync(`${pending.folder}/last`, String(index));
    keys.push((await pending.commit({ diffId: digestOf(`layer ${index}`), sizeBytes: 1 })).key);
  }
  const kernels = [
    { major: 6, minor: 12 },
    { major: 5, minor: 10 },
  ];
  for (const [index, kernel] of kernels.entries()) {
    if (index === 0 && !kernelAtLeast(facts, 6, 8)) continue;
    const id = String(index).repeat(64);
    const where = { ...tools, facts: { ...facts, kernel }, stackOf: () => keys };
    const snapshots = new OverlaySnapshots(where);
    await snapshots.create(id, 'image');
    const layer = snapshots.open(id, 'image');
    assert.ok(layer.kind === 'overlay');
    await using tree = openTreeReader({ folder: layer.folders[0]!, overlayOptions: layer.overlayOptions });
    const names: string[] = [];
    let last = '';
    for await (const record of tree.walk({ content: true })) {
      if (record.type === 'entry') names.push(record.entry.path.toString());
      if (record.type === 'data' && names.at(-1) === 'last') last += record.bytes.toString();
    }
    assert.equal(names.filter((name) => /^\d+$/.test(name)).length, 126);
    assert.equal(last, '125');
  }
  const many = new OverlaySnapshots({ ...tools, facts, stackOf: () => [...keys, ...keys] });
  await assert.rejects(many.create('c'.repeat(64), 'image'), { code: 'image.tooManyLayers' });
});

test('memory does not grow with the size of a layer', { skip: missing('root', 'zstd') }, async (context) => {
  await using w = world(context, 1);
  // Content of AUFS's books is read, hashed and passed over: the disk has no part in this.
  const sizeBytes = 2 ** 30;
  const blob = `${w.folder}/zeros.tar.zst`;
  writeFileSync(`${w.folder}/head`, encodeTarEntry(tarEntry('.wh..wh.plnk/zeros', 'file', { size: sizeBytes })));
  const script = `{ cat head; head -c ${sizeBytes + 1024} /dev/zero; } | zstd -q -1 -o zeros.tar.zst`;
  execFileSync('sh', ['-ec', script], { cwd: w.folder });
  mkdirSync(`${w.folder}/root`);
  const before = process.memoryUsage.rss();
  let largest = 0;
  let told = 0;
  const timer = setInterval(() => {
    largest = Math.max(largest, process.memoryUsage.rss());
  }, 10);
  const layer = await w.unpacker.unpack({ blob, folder: `${w.folder}/root`, onProgress: (bytes) => (told = bytes) });
  clearInterval(timer);
  assert.equal(layer.sizeBytes, 0);
  assert.ok(largest - before < 100 * 2 ** 20, `grew by ${(largest - before) >> 20} MiB`);
  assert.ok(told <= statSync(blob).size);
});

test('a layer never reaches outside of its folder', options, async (context) => {
  await using w = world(context);
  const outside = `${w.folder}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/kept`, 'kept');
  const evil = symlink('evil', outside);
  const corpus: Record<string, readonly Buffer[]> = {
    'a file through a symlink': [evil, file('evil/new', 'x')],
    'a whiteout through a symlink': [evil, file('evil/.wh.kept', '')],
    'an opaque mark on a symlink': [evil, file('evil/.wh..wh..opq', '')],
    'a hard link through a symlink': [evil, hardLink('stolen', 'evil/kept')],
    'a hard link, then a file over it': [evil, hardLink('stolen', 'evil/kept'), file('stolen', 'changed')],
    'a symlink in a new folder': [folder('d/'), symlink('d/up', '../../outside'), file('d/up/new', 'x')],
    'a relative path': [file('../outside/new', 'x')],
    'a relative whiteout': [file('../outside/.wh.kept', '')],
    'a hard link to a relative path': [hardLink('stolen', '../outside/kept')],
    'an absolute hard link': [hardLink('stolen', `${outside}/kept`)],
  };
  for (const [name, parts] of Object.entries(corpus)) {
    const put = await w.put(archive(...parts)).catch((error: unknown) => error as Error);
    // Either refused, or done inside: a link to what is not in the layer is told, and not made.
    if ('root' in put && existsSync(`${put.root}/stolen`))
      assert.notEqual(readFileSync(`${put.root}/stolen`, 'utf8'), 'kept', name);
    assert.deepEqual(readdirSync(outside), ['kept'], name);
    assert.equal(readFileSync(`${outside}/kept`, 'utf8'), 'kept', name);
    assert.equal(statSync(`${outside}/kept`).nlink, 1, name);
  }
});

test('a full disk fails the layer with its errno, and removing it leaves nothing', options, async (context) => {
  await using w = world(context);
  writeFileSync(`${w.folder}/large.tar`, archive(folder('d/'), file('d/large', Buffer.alloc(4_000_000, 'x'))));
  const program = `
    import { memoryRecordStores } from '#base';
    import { helperPath } from '#linux';
    import { LayerStore } from './src/images/layers/layer-store.ts';
    import { openLayerUnpacker } from './src/images/layers/layer-unpacker.ts';
    import { readdirSync } from 'node:fs';
    const [, blob, dataRoot] = process.argv;
    const unpacker = openLayerUnpacker({ helperProgram: helperPath() });
    const layers = new LayerStore({ dataRoot, records: memoryRecordStores() });
    {
      await using pending = layers.begin();
      await unpacker.unpack({ blob, folder: pending.folder }).catch((error) => console.log(error.code, error.message));
    }
    console.log(readdirSync(dataRoot + '/layers').length);
    await unpacker[Symbol.asyncDispose]();
  `;
  const script =
    'mkdir "$1/small"; mount -t tmpfs -o size=1m tmpfs "$1/small"; exec "$2" --input-type=module-typescript -e "$3" "$1/large.tar" "$1/small"';
  const args = ['-m', 'sh', '-ec', script, 'sh', w.folder, process.execPath, program];
  const said = execFileSync('unshare', args, { encoding: 'utf8', cwd: new URL('../..', import.meta.url) });
  assert.match(said, /^image.unpack unpacking the archive failed: .*d\/large: ENOSPC\n0\n$/);
});
