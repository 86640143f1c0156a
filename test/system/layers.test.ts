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
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { helperPath } from '#linux';
import { byteString, encodeTarEntry, TAR_END, type TarEntry, tarEntry, tarPadding } from '#wire';
import { type LayerUnpacker, openLayerUnpacker, type UnpackedLayer } from '../../src/images/layers/layer-unpacker.ts';
import { missing } from '../support/needs.ts';

const options = { skip: missing('root') };

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
