/** Importing root file systems on a real kernel, judged by GNU tar: what it makes of an archive, we make of it too. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createLog, openRecordStores } from '#base';
import { type ImageRecord, type Images, openImages, type Snapshots } from '#images';
import { helperPath, readHostFacts } from '#linux';
import { defaultRegistryConfig, openRegistryClient } from '#registry';
import { byteString, encodeTarEntry, TAR_END, type TarEntry, TarReader, tarEntry, tarPadding } from '#wire';

const options = { skip: process.getuid?.() === 0 ? false : 'needs root: owners, device nodes, attributes' };

interface World {
  readonly folder: string;
  readonly dataRoot: string;
  readonly images: Images;
  readonly snapshots: Snapshots;
}

async function open(dataRoot: string): Promise<{ images: Images; snapshots: Snapshots } & AsyncDisposable> {
  const records = openRecordStores(`${dataRoot}/skiff.db`);
  const log = createLog('error');
  const registry = openRegistryClient(defaultRegistryConfig, log);
  return openImages({ dataRoot, records, facts: readHostFacts(), registry, helperProgram: helperPath(), log });
}

async function world(context: TestContext): Promise<World> {
  const folder = mkdtempSync(`${tmpdir()}/skiff-import-`);
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const dataRoot = `${folder}/data`;
  const opened = await open(dataRoot);
  context.after(() => opened[Symbol.asyncDispose]());
  return { folder, dataRoot, ...opened };
}

/** The image's only layer. */
function rootOf({ dataRoot }: World, image: ImageRecord): string {
  return `${dataRoot}/layers/${image.layers[0]!.key}/diff`;
}

async function importBytes({ images }: World, tar: Buffer, chunkBytes = 64 * 1024): Promise<ImageRecord> {
  const chunks = Array.from({ length: Math.ceil(tar.length / chunkBytes) }, (_, index) =>
    tar.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  return images.import(Readable.from(chunks), { message: '', changes: [] });
}

function tar(...args: string[]): Buffer {
  return execFileSync('tar', args, { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] });
}

const XATTRS = ['--xattrs', '--xattrs-include=*'];

/** A tree as GNU tar sees it: names, kinds, owners, modes, times, links, devices, attributes, content. */
function describe(root: string): object[] {
  const times = '--pax-option=delete=atime,delete=ctime';
  const archive = tar(
    '-C',
    root,
    '--format=posix',
    '--sort=name',
    '--numeric-owner',
    ...XATTRS,
    times,
    '-cf',
    '-',
    '.',
  );
  const entries: object[] = [];
  let hash = createHash('sha256');
  const reader = new TarReader({
    entry: (entry) => void entries.push({ ...entry, xattrs: Object.fromEntries(entry.xattrs) }),
    data: (bytes) => void hash.update(bytes),
    hole: () => assert.fail('no sparse files were asked for'),
    end: () => {
      entries.push({ content: hash.digest('hex') });
      hash = createHash('sha256');
    },
  });
  reader.push(archive);
  reader.end();
  return entries;
}

function file(path: string, content: string | Buffer, more: Partial<TarEntry> = {}): Buffer {
  const bytes = Buffer.from(content);
  const header = encodeTarEntry(tarEntry(path, 'file', { size: bytes.length, mtimeNs: MTIME, ...more }));
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}

/** Targets of symlinks count too. */
const TARGETS = ['usr/bin', '/etc/passwd', '../../../../../../etc', 'new'];
const MTIME = 1_700_000_000_123_456_789n;
/** cap_net_raw+ep, version 2 (linux/capability.h). */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const attributes = (name: string, value: Buffer): Partial<TarEntry> => ({
  xattrs: new Map([[byteString(name), value]]),
});
const to = (path: string): Partial<TarEntry> => ({ linkPath: byteString(path), mtimeNs: MTIME });

const DEEP = Array.from({ length: 80 }, (_, index) => `./${'deep/'.repeat(index + 1)}`);

/** One of everything a root file system may hold. */
const EVERYTHING = Buffer.concat([
  encodeTarEntry(tarEntry('./', 'directory', { mode: 0o755, mtimeNs: MTIME })),
  encodeTarEntry(tarEntry('./tmp/', 'directory', { mode: 0o1777, mtimeNs: 1_000_000_001n })),
  encodeTarEntry(tarEntry('./usr/', 'directory', { mtimeNs: MTIME })),
  encodeTarEntry(tarEntry('./usr/bin/', 'directory', { mode: 0o2750, uid: 12, gid: 34, mtimeNs: MTIME })),
  file('./usr/bin/sudo', 'program', { mode: 0o4755 }),
  file('./usr/bin/ping', 'program', { mode: 0o755, ...attributes('security.capability', CAPABILITY) }),
  file('./usr/bin/wall', 'program', { mode: 0o2755, uid: 5, gid: 3_000_000_000 }),
  file('./usr/bin/secret', '', { mode: 0, mtimeNs: -1_500_000_000n }),
  file('./attributes', 'x', attributes('user.note', Buffer.from([0, 10, 61, 255]))),
  encodeTarEntry(
    tarEntry('./attributed/', 'directory', { mtimeNs: MTIME, ...attributes('trusted.note', Buffer.from('t')) }),
  ),
  encodeTarEntry(tarEntry('./sudo-again', 'hard-link', to('./usr/bin/sudo'))),
  encodeTarEntry(tarEntry('./bin', 'symlink', { ...to('usr/bin'), uid: 7 })),
  encodeTarEntry(tarEntry('./absolute', 'symlink', to('/etc/passwd'))),
  encodeTarEntry(tarEntry('./escaping', 'symlink', to('../../../../../../etc'))),
  encodeTarEntry(tarEntry('./link-again', 'hard-link', to('./escaping'))),
  encodeTarEntry(tarEntry('./dev/', 'directory', { mtimeNs: MTIME })),
  encodeTarEntry(tarEntry('./dev/null', 'character-device', { mode: 0o666, devMajor: 1, devMinor: 3, mtimeNs: MTIME })),
  encodeTarEntry(
    tarEntry('./dev/disk', 'block-device', { mode: 0o660, gid: 6, devMajor: 259, devMinor: 70_000, mtimeNs: MTIME }),
  ),
  encodeTarEntry(tarEntry('./dev/pipe', 'fifo', { mode: 0o600, mtimeNs: MTIME })),
  ...DEEP.map((path) => encodeTarEntry(tarEntry(path, 'directory', { mtimeNs: MTIME }))),
  file(`${DEEP.at(-1)!}${'n'.repeat(250)}`, 'deep'),
  file('./ümläut \n"quoted"', 'named'),
  // A later entry takes the place of an earlier one, of whatever kind.
  file('./replaced', 'old'),
  encodeTarEntry(tarEntry('./replaced', 'symlink', to('new'))),
  file('./large', Buffer.alloc(3_000_001, 'large')),
  TAR_END,
]);

test('import makes of an archive what GNU tar makes of it', options, async (context) => {
  const w = await world(context);
  writeFileSync(`${w.folder}/everything.tar`, EVERYTHING);
  mkdirSync(`${w.folder}/gnu`);
  tar('-C', `${w.folder}/gnu`, ...XATTRS, '--numeric-owner', '--same-owner', '-xpf', `${w.folder}/everything.tar`);
  const image = await importBytes(w, EVERYTHING);
  const expected = describe(`${w.folder}/gnu`);
  assert.deepEqual(describe(rootOf(w, image)), expected);
  assert.ok(expected.length > 100, 'GNU tar has seen the tree');
  assert.equal(image.layers[0]?.diffId, `sha256:${createHash('sha256').update(EVERYTHING).digest('hex')}`);
  assert.equal(image.sizeBytes, 3_000_001 + 3 * 7 + 1 + 4 + 5 + 3 + TARGETS.join('').length);
});

test('import reads every format GNU tar writes, sparse files in all versions', options, async (context) => {
  const w = await world(context);
  const source = `${w.folder}/source`;
  mkdirSync(`${source}/folder/${'long'.repeat(20)}`, { recursive: true });
  writeFileSync(`${source}/folder/file`, 'content', { mode: 0o640 });
  linkSync(`${source}/folder/file`, `${source}/folder/${'long'.repeat(20)}/linked`);
  symlinkSync('x'.repeat(99), `${source}/symlink`);
  const sparse = openSync(`${source}/sparse`, 'w');
  for (let at = 1; at <= 60; at += 1) writeSync(sparse, `piece ${at}`, at * 100_000);
  writeSync(sparse, '\0', 10_000_000);
  const formats = ['gnu', 'oldgnu', 'posix', 'ustar', 'v7'].map((name) => [`--format=${name}`]);
  const versions = ['0.0', '0.1', '1.0'].map((version) => ['-S', '--format=posix', `--sparse-version=${version}`]);
  for (const format of [...formats, ['-S', '--format=gnu'], ['-S', '--format=oldgnu'], ...versions]) {
    const archive = tar('-C', source, '--numeric-owner', ...format, '-cf', '-', '.');
    writeFileSync(`${w.folder}/archive.tar`, archive);
    rmSync(`${w.folder}/gnu`, { recursive: true, force: true });
    mkdirSync(`${w.folder}/gnu`);
    tar('-C', `${w.folder}/gnu`, '-xpf', `${w.folder}/archive.tar`);
    const root = rootOf(w, await importBytes(w, archive, 7777));
    assert.deepEqual(describe(root), describe(`${w.folder}/gnu`), format.join(' '));
    assert.ok(readFileSync(`${root}/sparse`).equals(readFileSync(`${source}/sparse`)), format.join(' '));
    if (format[0] === '-S')
      assert.ok(statSync(`${root}/sparse`).blocks * 512 < 1_000_000, `${format.join(' ')}: holes`);
  }
});

test('nothing is ever put outside of the root', options, async (context) => {
  const w = await world(context);
  const outside = `${w.folder}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/kept`, 'kept');
  const up = '../'.repeat(30);
  const archive = Buffer.concat([
    encodeTarEntry(tarEntry('absolute', 'symlink', to(outside))),
    file('absolute/one', '1'),
    encodeTarEntry(tarEntry('relative', 'symlink', to(`${up}${outside.slice(1)}`))),
    file('relative/two', '2'),
    encodeTarEntry(tarEntry('relative/', 'symlink', to('again'))),
    encodeTarEntry(tarEntry('file', 'symlink', to(`${outside}/kept`))),
    file('file', 'replaced the link, not what it points to'),
    encodeTarEntry(tarEntry('chain', 'symlink', to('absolute'))),
    file('chain/three', '3'),
    TAR_END,
  ]);
  const error = await importBytes(w, archive).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  // Where the links lead is looked for inside the root, where it does not exist: a refusal is right, a file outside not.
  assert.match(error?.message ?? '', /unpack record \d+ in .*: open parent folder: absolute: ENOENT/);
  assert.deepEqual(readdirSync(outside), ['kept']);

  const inside = Buffer.concat([encodeTarEntry(tarEntry(`${outside.slice(1)}/`, 'directory')), archive]);
  const root = rootOf(w, await importBytes(w, inside));
  assert.deepEqual(readdirSync(outside), ['kept']);
  assert.deepEqual(readdirSync(`${root}${outside}`).sort(), ['one', 'three', 'two']);
  assert.equal(readFileSync(`${root}/file`, 'utf8'), 'replaced the link, not what it points to');
  assert.equal(readlinkSync(`${root}/relative`), 'again');

  for (const path of ['../escaped', 'a/../../escaped']) {
    await assert.rejects(importBytes(w, Buffer.concat([file(path, 'x'), TAR_END])), { code: 'image.forbiddenEntry' });
  }
  const stolen = Buffer.concat([
    encodeTarEntry(tarEntry('out', 'symlink', to(outside))),
    encodeTarEntry(tarEntry('stolen', 'hard-link', to('out/kept'))),
    TAR_END,
  ]);
  await assert.rejects(importBytes(w, stolen), { code: 'image.danglingLink' });
});

test('compression changes neither layer nor size', options, async (context) => {
  const w = await world(context);
  const plain = await importBytes(w, EVERYTHING);
  for (const form of [gzipSync(EVERYTHING), zstdCompressSync(EVERYTHING)]) {
    const image = await importBytes(w, form, 1000);
    assert.deepEqual([image.layers, image.sizeBytes], [plain.layers, plain.sizeBytes]);
  }
  assert.equal(readdirSync(`${w.dataRoot}/layers`).length, 1);
});

test('import keeps message, changes and tag, and a tag moves to the newest image', options, async (context) => {
  const w = await world(context);
  const archive = Buffer.concat([file('a', 'a'), TAR_END]);
  const changes = ['CMD ["/a"]', 'ENV A=b'];
  const first = await w.images.import(Readable.from([archive]), { reference: 'app', message: 'mine', changes });
  assert.deepEqual([first.tags, first.comment, first.config.command], [['app:latest'], 'mine', ['/a']]);
  const json = readFileSync(`${w.dataRoot}/content/blobs/sha256/${first.id.slice(7)}`);
  assert.equal(first.id, `sha256:${createHash('sha256').update(json).digest('hex')}`);
  const second = await w.images.import(Readable.from([archive]), { reference: 'app', message: '', changes: [] });
  assert.deepEqual([(await w.images.find('app'))?.id, w.images.get(first.id)?.tags], [second.id, []]);
  assert.equal(second.comment, 'Imported from -');
  // Another engine on the same folder sees what this one has saved.
  assert.deepEqual((await open(w.dataRoot)).images.list(), w.images.list());
});

test('a failed import leaves nothing', options, async (context) => {
  const w = await world(context);
  const damaged = Buffer.from(EVERYTHING);
  damaged.fill(0x55, damaged.length - 3_002_000, damaged.length - 3_001_000);
  const failures: [Buffer, object][] = [
    [EVERYTHING.subarray(0, 2_000_000), { code: 'tar.truncated' }],
    [gzipSync(EVERYTHING).subarray(0, 2_000), { code: 'image.badCompression' }],
    [
      Buffer.concat([file('a', ''), encodeTarEntry(tarEntry('b', 'hard-link', to('none'))), TAR_END]),
      { code: 'image.danglingLink' },
    ],
    [Buffer.concat([file('a', ''), file('a/b', ''), TAR_END]), { code: 'image.unpack' }],
    [Buffer.from('no archive at all'.repeat(100)), { code: 'tar.notTar' }],
    [Buffer.alloc(0), { code: 'tar.empty' }],
    [damaged, { kind: 'invalid' }],
  ];
  for (const [archive, expected] of failures) {
    await assert.rejects(importBytes(w, archive, 10_000), expected);
    assert.deepEqual(readdirSync(`${w.dataRoot}/layers`), []);
    assert.deepEqual(readdirSync(`${w.dataRoot}/content/blobs/sha256`), []);
    assert.deepEqual(readdirSync(`${w.dataRoot}/content/ingest`), []);
  }
  assert.deepEqual(w.images.list(), []);
});

test('a cancelled import ends at once and leaves nothing', options, async (context) => {
  const w = await world(context);
  const stuck = new Readable({ read() {} });
  stuck.push(EVERYTHING.subarray(0, 1_000_000));
  const abort = new AbortController();
  const importing = w.images.import(stuck, { message: '', changes: [], signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await assert.rejects(importing, { code: 'image.cancelled' });
  assert.deepEqual(readdirSync(`${w.dataRoot}/layers`), []);
});

test('an import in a killed process is gone after the next start', options, async (context) => {
  const w = await world(context);
  const kept = await importBytes(w, Buffer.concat([file('a', 'a'), TAR_END]));
  writeFileSync(`${w.dataRoot}/half`, EVERYTHING);
  const program = `
    import { memoryRecordStores } from '#base';
    import { LayerStore } from './src/images/layers/layer-store.ts';
    import { unpackBlob } from './src/images/layers/unpack-archive.ts';
    const pending = new LayerStore({ dataRoot: ${JSON.stringify(w.dataRoot)}, records: memoryRecordStores() }).begin();
    await unpackBlob(${JSON.stringify(`${w.dataRoot}/half`)}, { folder: pending.folder, helperProgram: ${JSON.stringify(helperPath())} });
    setInterval(() => {}, 1000);
  `;
  const root = new URL('../..', import.meta.url);
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const temporary = (): string[] => readdirSync(`${w.dataRoot}/layers`).filter((name) => name.startsWith('tmp-'));
  for (let waits = 0; waits < 100; waits += 1) {
    if (temporary().some((name) => existsSync(`${w.dataRoot}/layers/${name}/diff/usr`))) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(temporary().length, 1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { images } = await open(w.dataRoot);
  assert.deepEqual(readdirSync(`${w.dataRoot}/layers`), [kept.layers[0]!.key]);
  assert.deepEqual(images.list(), [kept]);
});

test('hello is made on demand, once, and always the same', options, async (context) => {
  const first = await world(context);
  const second = await world(context);
  const [one, two] = await Promise.all([first.images.find('hello'), first.images.find('hello:latest')]);
  assert.equal(one?.id, two?.id);
  assert.equal((await second.images.find('docker.io/library/hello'))?.id, one?.id);
  assert.equal(first.images.list().length, 1);
  const printed = spawnSync('chroot', [rootOf(first, one!), ...one!.config.entrypoint], { encoding: 'utf8' });
  assert.match(printed.stdout, /Ahoy! Your Skiff floats/);
  assert.equal(statSync(`${rootOf(first, one!)}/tmp`).mode & 0o7777, 0o1777);
  await first.images.remove({ reference: 'hello', force: false, keepParents: false, inUse: () => undefined });
  assert.deepEqual(readdirSync(`${first.dataRoot}/layers`), []);
  assert.equal((await first.images.find('hello'))?.id, one?.id);
});

test(
  'the kernel mounts a writable layer, which hides nothing of the image and keeps its own changes',
  options,
  async (context) => {
    const w = await world(context);
    const image = await importBytes(
      w,
      Buffer.concat([
        encodeTarEntry(tarEntry('./', 'directory', { mode: 0o700 })),
        file('etc/hosts', 'of the image'),
        file('etc/os-release', 'kept'),
        TAR_END,
      ]),
    );
    const id = 'f'.repeat(64);
    await w.snapshots.create(id, image.id);
    const layer = w.snapshots.open(id, image.id);
    assert.ok(layer.kind === 'overlay');
    const { overlayOptions } = layer;
    const target = `${w.folder}/mounted`;
    mkdirSync(target);
    const script = `
    mount -t overlay overlay -o "$1" "$2" && cd "$2" &&
    stat -c %a . && cat etc/os-release etc/hosts && ls -d proc sys dev/pts && echo new > etc/new`;
    const mounted = spawnSync('unshare', ['-m', 'sh', '-ec', script, 'sh', overlayOptions.join(','), target], {
      encoding: 'utf8',
    });
    assert.equal(mounted.stderr, '');
    assert.equal(mounted.stdout, '700\nkeptdev/pts\nproc\nsys\n');
    assert.equal(readFileSync(`${w.dataRoot}/containers/${id}/diff/etc/new`, 'utf8'), 'new\n');
    await w.snapshots.remove(id);
    assert.deepEqual(w.snapshots.list(), []);
  },
);

test('memory does not grow with the archive', options, async (context) => {
  const w = await world(context);
  const block = Buffer.alloc(1 << 20, 'x');
  const sizeBytes = 400 * block.length;
  async function* archive(): AsyncGenerator<Buffer> {
    yield encodeTarEntry(tarEntry('large', 'file', { size: sizeBytes }));
    for (let at = 0; at < sizeBytes; at += block.length) yield Buffer.from(block);
    yield TAR_END;
  }
  const before = process.memoryUsage.rss();
  let largest = 0;
  const timer = setInterval(() => {
    largest = Math.max(largest, process.memoryUsage.rss());
  }, 5);
  await w.images.import(Readable.from(archive()), { message: '', changes: [] });
  clearInterval(timer);
  assert.ok(largest - before < sizeBytes / 2, `grew by ${(largest - before) >> 20} MiB for ${sizeBytes >> 20} MiB`);
});

test('a folder deeper than any path can name is removed', options, async (context) => {
  const w = await world(context);
  const deep = Buffer.concat([file('a', 'a'), TAR_END]);
  const image = await importBytes(w, deep);
  const script = 'cd "$1"; for i in $(seq 30); do n=$(printf "%0200d" $i); mkdir $n; cd -P $n; done; echo x > file';
  assert.equal(spawnSync('sh', ['-c', script, 'sh', rootOf(w, image)]).status, 0);
  await w.images.remove({ reference: image.id, force: false, keepParents: false, inUse: () => undefined });
  assert.deepEqual(readdirSync(`${w.dataRoot}/layers`), []);
});
