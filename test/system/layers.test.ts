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
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf, memoryRecordStores } from '#base';
import { helperPath, kernelAtLeast, openTreeReader, readHostFacts } from '#linux';
import { byteString, encodeTarEntry, TAR_END, type TarEntry, tarEntry, tarPadding } from '#wire';
import { changesOf } from '../../src/images/layers/changes.ts';
import { type LayerKey, LayerStore } from '../../src/images/layers/layer-store.ts';
import { type LayerUnpacker, openLayerUnpacker, type UnpackedLayer } from '../../src/images/layers/layer-unpacker.ts';
import { packLayer, packRoot } from '../../src/images/layers/pack-layer.ts';
import { needsSettling, settleLayer } from '../../src/images/layers/settle-layer.ts';
import { OverlaySnapshots } from '../../src/images/snapshots/overlay-snapshots.ts';
import { missing } from '../support/needs.ts';

const options = { skip: missing('root') };
const facts = readHostFacts();

interface World extends AsyncDisposable {
  readonly folder: string;
  readonly unpacker: LayerUnpacker;
  /** Unpacks an archive into a new folder. */
  put(archive: Buffer): Promise<{ readonly root: string; readonly layer: UnpackedLayer }>;
}

function world(context: TestContext, threads = 2): World {
  const folder = mkdtempSync(`${tmpdir()}/skiff-layers-`);
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const unpacker = openLayerUnpacker({ helperProgram: helperPath(), threads });
  let count = 0;
  return {
    folder,
    unpacker,
    put: async (archive) => {
      const name = `${folder}/${(count += 1)}`;
      writeFileSync(`${name}.tar`, archive);
      mkdirSync(name);
      return { root: name, layer: await unpacker.unpack({ blob: `${name}.tar`, folder: name }) };
    },
    [Symbol.asyncDispose]: () => unpacker[Symbol.asyncDispose](),
  };
}

/** cap_net_raw+ep, version 2 (linux/capability.h). */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const MTIME = 1_700_000_000_123_456_789n;

function file(path: string, content: string | Buffer, more: Partial<TarEntry> = {}): Buffer {
  const bytes = Buffer.from(content);
  const header = encodeTarEntry(tarEntry(path, 'file', { size: bytes.length, mtimeNs: MTIME, ...more }));
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}

const folder = (path: string, more: Partial<TarEntry> = {}): Buffer =>
  encodeTarEntry(tarEntry(path, 'directory', { mtimeNs: MTIME, ...more }));
const to = (path: string): Partial<TarEntry> => ({ linkPath: byteString(path), mtimeNs: MTIME });
const archive = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, TAR_END]);

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

/** What is in a tree as GNU tar sees it, hard links included. */
function seenByTar(root: string): string {
  const args = [
    '--numeric-owner',
    '--sort=name',
    '--xattrs',
    '--xattrs-include=*',
    '--full-time',
    '-C',
    root,
    '-cf',
    '-',
    '.',
  ];
  const archived = execFileSync('tar', args, { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
  const listing = execFileSync('tar', ['--xattrs', '--numeric-owner', '--full-time', '-tvvf', '-'], {
    input: archived,
  });
  return listing.toString().replace(/^d.* \.\/$/m, '');
}

test('a packed layer unpacks to the same folder, and packs to the same bytes', options, async (context) => {
  await using w = world(context);
  const everything = archive(
    folder('d/', { mode: 0o1777, uid: 70_000, gid: 3_000_000_000 }),
    file('d/setuid', 'x', { mode: 0o4755, uid: 5 }),
    file('d/capable', 'x', { xattrs: new Map([[byteString('security.capability'), CAPABILITY]]) }),
    file('d/noted', 'x', { xattrs: new Map([[byteString('user.note'), Buffer.from([0, 10, 61, 255])]]) }),
    encodeTarEntry(tarEntry('d/linked', 'hard-link', to('d/setuid'))),
    encodeTarEntry(tarEntry('d/symlink', 'symlink', { ...to('/etc/passwd'), uid: 7 })),
    encodeTarEntry(tarEntry('d/fifo', 'fifo', { mode: 0o600, mtimeNs: MTIME })),
    encodeTarEntry(tarEntry('d/null', 'character-device', { mode: 0o666, devMajor: 1, devMinor: 3, mtimeNs: MTIME })),
    folder('opaque/'),
    file('opaque/.wh..wh..opq', ''),
    file('opaque/new', 'new'),
    file('.wh.gone', '', { mtimeNs: MTIME }),
    file(`d/${'long'.repeat(60)}`, 'long'),
    file('d/\u00fcml\u00e4ut \n', 'named'),
    file('large', Buffer.alloc(3_000_001, 'large')),
  );
  const first = await w.put(everything);
  const packed = await Array.fromAsync(packLayer({ folder: first.root, facts })).then(Buffer.concat);
  const second = await w.put(packed);
  assert.equal(seenByTar(second.root), seenByTar(first.root));
  const again = await Array.fromAsync(packLayer({ folder: second.root, facts })).then(Buffer.concat);
  assert.ok(again.equals(packed), 'packing is canonical');
  assert.equal(createHash('sha256').update(packed).digest('hex'), second.layer.diffId.slice(7));
  const names = execFileSync('tar', ['-tf', '-'], { input: packed, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(names.slice(-5), ['.wh.gone', 'large', 'opaque/', 'opaque/.wh..wh..opq', 'opaque/new'].toSorted());
  const gnu = `${w.folder}/gnu`;
  mkdirSync(gnu);
  execFileSync('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', gnu, '-xpf', '-'], { input: packed });
  assert.equal(readFileSync(`${gnu}/d/linked`, 'utf8'), 'x');
  assert.equal(statSync(`${gnu}/d/linked`).mode & 0o7777, 0o4755);
});

test('a root is packed as the stack shows it, and is the same again when it is unpacked', options, async (context) => {
  await using w = world(context);
  const lower = await w.put(archive(folder('d/'), file('d/old', 'old'), file('gone', ''), file('a', 'lower')));
  const upper = await w.put(
    archive(file('.wh.gone', ''), file('d/.wh..wh..opq', ''), file('d/new', 'n'), file('a', 'up')),
  );
  const root = { folders: [upper.root, lower.root], facts };
  const packed = await Array.fromAsync(packRoot(root)).then(Buffer.concat);
  const names = execFileSync('tar', ['-tf', '-'], { input: packed, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(names, ['a', 'd/', 'd/new']);
  const merged = await w.put(packed);
  assert.equal(readFileSync(`${merged.root}/a`, 'utf8'), 'up');
  const single = await Array.fromAsync(packRoot({ folders: [merged.root], facts })).then(Buffer.concat);
  assert.ok(single.equals(packed));
});

test('a layer that relies on those below is completed from them', options, async (context) => {
  await using w = world(context);
  const note = { xattrs: new Map([[byteString('user.note'), Buffer.from('below')]]) };
  const lower = await w.put(
    archive(
      folder('d/', { mode: 0o1777, uid: 7, ...note }),
      folder('d/e/', { mode: 0o700, gid: 8 }),
      file('d/program', 'content', { mode: 0o4711, uid: 9, ...note }),
      encodeTarEntry(tarEntry('d/symlink', 'symlink', to('program'))),
    ),
  );
  const links = ['program', 'again', 'symlink'].map((name) => {
    const existing = name === 'symlink' ? 'd/symlink' : 'd/program';
    return encodeTarEntry(tarEntry(`own/${name}`, 'hard-link', to(existing)));
  });
  const upper = await w.put(archive(file('d/e/new', 'new'), folder('own/'), ...links));
  assert.deepEqual(upper.layer.impliedFolders, ['d', 'd/e']);
  assert.ok(needsSettling(upper.layer));
  const where = { folder: upper.root, facts, helperProgram: helperPath() };
  await settleLayer({ ...where, lowers: [lower.root] }, upper.layer);
  const attributes = (path: string): string => {
    const { mode, uid, gid, mtimeNs } = statSync(path, { bigint: true });
    return `${mode.toString(8)} ${uid}:${gid} ${mtimeNs}`;
  };
  for (const path of ['d', 'd/e'])
    assert.equal(attributes(`${upper.root}/${path}`), attributes(`${lower.root}/${path}`));
  assert.equal(attributes(`${upper.root}/own/program`), attributes(`${lower.root}/d/program`));
  assert.equal(statSync(`${upper.root}/own`, { bigint: true }).mtimeNs, MTIME);
  assert.equal(readFileSync(`${upper.root}/own/again`, 'utf8'), 'content');
  assert.equal(statSync(`${upper.root}/own/again`).ino, statSync(`${upper.root}/own/program`).ino);
  assert.equal(readlinkSync(`${upper.root}/own/symlink`), 'program');
  await using tree = openTreeReader({ folder: upper.root });
  for (const path of ['d', 'own/program']) {
    const entry = await tree.stat(Buffer.from(path));
    assert.deepEqual(entry?.xattrs.map(String), ['user.note,below']);
  }
  assert.equal(await tree.stat(Buffer.from('own/symlink/program')), undefined);
  const dangling = await w.put(archive(encodeTarEntry(tarEntry('a', 'hard-link', to('none')))));
  for (const lowers of [[], [lower.root]]) {
    await assert.rejects(settleLayer({ ...where, folder: dangling.root, lowers }, dangling.layer), {
      code: 'image.danglingLink',
      message: /"a": the file it links to, "none"/,
    });
  }
});

test('changes are told as a container has made them', options, async (context) => {
  await using w = world(context);
  const lower = await w.put(
    archive(
      ...['d/', 'd/old', 'e/', 'e/f', 'kept', 'changed', 'gone', 'gone-too', 'touched/'].map((name) =>
        name.endsWith('/') ? folder(name) : file(name, 'lower'),
      ),
    ),
  );
  const upper = `${w.folder}/upper`;
  const script = `
    mkdir "$2" "$2.work" "$2.mnt"; mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work" "$2.mnt"; cd "$2.mnt"
    echo x >> changed; rm gone gone-too; rm -r d; mkdir d; echo > d/new; chmod 700 e; touch touched; mkdir -p n/m; chmod 644 kept`;
  execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', lower.root, upper]);
  const found = await changesOf({ folders: [upper, lower.root], lowers: [lower.root], facts });
  assert.deepEqual(
    found.map(({ kind, path }) => `${kind} ${path}`),
    [
      'modified /changed',
      'modified /d',
      'added /d/new',
      'deleted /d/old',
      'modified /e',
      'deleted /gone',
      'deleted /gone-too',
      'added /n',
      'added /n/m',
    ],
  );
});

test('whiteouts, which the kernel makes one file, are packed as the marks they are', options, async (context) => {
  await using w = world(context);
  const lower = await w.put(archive(file('a', ''), file('b', ''), folder('d/'), file('d/c', '')));
  const upper = `${w.folder}/upper`;
  const script = `
    mkdir "$2" "$2.work" "$2.mnt"; mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work" "$2.mnt"
    cd "$2.mnt"; rm a b d/c; echo x > x; ln x y`;
  execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', lower.root, upper]);
  assert.ok(lstatSync(`${upper}/a`).nlink > 1, 'the kernel shares whiteouts');
  const packed = Buffer.concat(await Array.fromAsync(packLayer({ folder: upper, facts })));
  const listed = execFileSync('tar', ['-tvf', '-'], { input: packed, encoding: 'utf8' });
  const short = listed
    .trim()
    .split('\n')
    .map((line) => line.replace(/^(.).*:\d\d /, '$1 '));
  assert.deepEqual(short, ['- .wh.a', '- .wh.b', 'd d/', '- d/.wh.c', '- x', 'h y link to x']);
});

test('more than a hundred layers are stacked, in the options of new and of old kernels', options, async (context) => {
  // As long as /var/lib/skiff: a page has to hold the names of all.
  const dataRoot = mkdtempSync('/tmp/sk-');
  context.after(() => rmSync(dataRoot, { recursive: true, force: true }));
  const layers = new LayerStore({ dataRoot, records: memoryRecordStores() });
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
    const where = { dataRoot, facts: { ...facts, kernel }, layers, stackOf: () => keys };
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
  const many = new OverlaySnapshots({ dataRoot, facts, layers, stackOf: () => [...keys, ...keys] });
  await assert.rejects(many.create('c'.repeat(64), 'image'), { code: 'image.tooManyLayers' });
});

test('a sparse file of a gibibyte stays sparse, is read whole, and takes no memory', options, async (context) => {
  await using w = world(context);
  const source = `${w.folder}/source`;
  mkdirSync(source);
  execFileSync(
    'sh',
    ['-c', 'truncate -s 1G sparse; printf mid | dd of=sparse bs=1 seek=500000000 conv=notrunc status=none'],
    { cwd: source },
  );
  const sparse = await w.put(execFileSync('tar', ['-S', '-C', source, '-cf', '-', 'sparse'], { maxBuffer: 1 << 26 }));
  const { size, blocks } = statSync(`${sparse.root}/sparse`);
  assert.ok(size === 2 ** 30 && blocks < 1000, `${size} bytes in ${blocks} blocks`);
  let bytes = 0;
  let text = '';
  for await (const chunk of packLayer({ folder: sparse.root, facts })) {
    const at = chunk.indexOf('mid');
    if (at >= 0) text = chunk.subarray(at, at + 3).toString();
    bytes += chunk.length;
  }
  assert.equal(text, 'mid');
  assert.ok(bytes >= 2 ** 30 + 3 * 512 && bytes <= 2 ** 30 + 6 * 512, `${bytes} bytes`);
});
