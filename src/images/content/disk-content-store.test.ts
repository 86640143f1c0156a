import assert from 'node:assert/strict';
import { pbkdf2, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { type Digest, digestOf, memoryRecordStores, type RecordStores } from '#base';
import { DiskContentStore, referrersFirst } from './disk-content-store.ts';

const folder = mkdtempSync(`${tmpdir()}/skiff-content-`);
process.once('exit', () => rmSync(folder, { recursive: true }));
let stores = 0;

interface Opened {
  readonly store: DiskContentStore;
  readonly folder: string;
  readonly records: RecordStores;
  /** Another opening of the same folder, as after the end of the process. */
  again(): DiskContentStore;
  clock: number;
}

function opened(): Opened {
  const records = memoryRecordStores();
  const path = `${folder}/${stores++}`;
  const state = { clock: 0 };
  const open = (): DiskContentStore => new DiskContentStore({ folder: path, records, nowMs: () => state.clock });
  return Object.assign(state, { store: open(), folder: path, records, again: open });
}

async function bytesOf(store: DiskContentStore, digest: Digest, start?: number, end?: number): Promise<Buffer> {
  const range = start === undefined ? undefined : { start, end: end! };
  return Buffer.concat((await store.open(digest, range).toArray()) as Buffer[]);
}

/** All paths of files below the store's folder. */
function files(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(path.length + 1))
    .sort();
}

test('put() keeps bytes by digest, read() and open() give them back', async () => {
  const { store, folder } = opened();
  using lease = store.lease('test');
  const bytes = Buffer.from('hello');
  const info = store.put(bytes, { lease });
  assert.equal(info.digest, digestOf(bytes));
  assert.deepEqual(store.stat(info.digest), info);
  assert.deepEqual(await store.read(info.digest, 5), bytes);
  assert.equal((await bytesOf(store, info.digest, 1, 3)).toString(), 'ell');
  assert.deepEqual(readFileSync(store.path(info.digest)), bytes);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const long = store.put(bytes, { lease, digest: digestOf(bytes, 'sha512') });
  assert.match(store.path(long.digest), /\/blobs\/sha512\/[0-9a-f]{128}$/);
  assert.throws(() => store.put(bytes, { lease, digest: digestOf('other') }), { code: 'content.wrongDigest' });
  await assert.rejects(store.read(info.digest, 4), { code: 'content.tooLarge' });
  assert.throws(() => store.open(digestOf('none')), { code: 'content.noSuch' });
});

test('put() of what is there adds references and writes nothing', () => {
  const { store } = opened();
  using lease = store.lease('test');
  const child = store.put(Buffer.from('child'), { lease }).digest;
  const parent = store.put(Buffer.from('parent'), { lease });
  assert.deepEqual(store.put(Buffer.from('parent'), { lease, references: [child] }).references, [child]);
  assert.deepEqual(store.stat(parent.digest)?.references, [child]);
});

test('an ingest becomes a blob, whatever the sizes of chunks', async () => {
  const { store, folder } = opened();
  using lease = store.lease('test');
  for (const [size, step] of [
    [0, 1],
    [1, 1],
    [524_288, 524_288],
    [1_500_000, 65_536],
    [3_000_000, 1_400_000],
  ] as const) {
    const bytes = randomBytes(size);
    await using ingest = await store.ingest('key', { lease, digest: digestOf(bytes), sizeBytes: size });
    for (let at = 0; at < size; at += step) {
      const chunk = Buffer.from(bytes.subarray(at, at + step));
      await ingest.write(chunk);
      chunk.fill(0);
    }
    assert.equal(ingest.sizeBytes, size);
    const info = await ingest.commit();
    assert.equal(info.sizeBytes, size);
    assert.ok((await bytesOf(store, info.digest)).equals(bytes));
  }
  assert.deepEqual(store.ingests(), []);
  assert.equal(files(folder).length, 5);
});

test('what is on its way to a slow disk is not written over by what comes next', async () => {
  const { store } = opened();
  using lease = store.lease('test');
  await using ingest = await store.ingest('slow', { lease });
  const pieces = Array.from({ length: 6 }, (_, index) => Buffer.alloc(512 * 1024, index + 1));
  await ingest.write(pieces[0]!);
  // The first buffer comes back before the next is needed.
  await new Promise((resolve) => setTimeout(resolve, 20));
  // Writes wait behind these: the pool has four threads.
  const busy = Array.from(
    { length: 8 },
    () => new Promise((resolve) => pbkdf2('x', 'y', 50_000, 32, 'sha512', resolve)),
  );
  for (const piece of pieces.slice(1)) await ingest.write(piece);
  await Promise.all(busy);
  const { digest } = await ingest.commit();
  assert.equal(digest, digestOf(Buffer.concat(pieces)));
  assert.ok((await bytesOf(store, digest)).equals(Buffer.concat(pieces)), 'the file is what was hashed');
});

test('an ingest that ends early goes on where it was, after a restart too', async () => {
  const world = opened();
  const bytes = randomBytes(1_200_000);
  const digest = digestOf(bytes);
  const lease = world.store.lease('pull');
  const first = await world.store.ingest('layer', { lease, digest });
  await first.write(bytes.subarray(0, 700_000));
  await first[Symbol.asyncDispose]();
  assert.equal(world.store.ingests()[0]?.sizeBytes, 700_000);

  const store = world.again();
  using resumed = store.lease('pull');
  await using second = await store.ingest('layer', { lease: resumed, digest });
  assert.equal(second.sizeBytes, 700_000);
  await assert.rejects(store.ingest('layer', { lease: resumed }), { code: 'content.busy' });
  await assert.rejects(store.dropIngest('layer'), { code: 'content.busy' });
  await second.write(bytes.subarray(700_000));
  assert.equal((await second.commit()).digest, digest);
  assert.ok((await bytesOf(store, digest)).equals(bytes));
});

test('what has the wrong size or digest is refused and dropped', async () => {
  const { store, folder } = opened();
  using lease = store.lease('test');
  const check = async (text: string, digest: Digest, sizeBytes: number, code: string): Promise<void> => {
    const ingest = await store.ingest('key', { lease, digest, sizeBytes });
    await ingest.write(Buffer.from(text));
    await assert.rejects(ingest.commit(), { code: `content.${code}` });
    assert.deepEqual(files(folder), []);
    assert.deepEqual(store.ingests(), []);
  };
  await check('abc', digestOf('abcd'), 4, 'wrongSize');
  await check('abcx', digestOf('abcd'), 4, 'wrongDigest');
  const ingest = await store.ingest('key', { lease, sizeBytes: 2 });
  await assert.rejects(ingest.write(Buffer.from('abc')), { code: 'content.tooLarge' });
  await ingest.abort();
  await ingest.abort();
  assert.deepEqual(files(folder), []);
});

test('commit() takes the digest of another algorithm than was computed', async () => {
  const { store } = opened();
  using lease = store.lease('test');
  const ingest = await store.ingest('key', { lease });
  await ingest.write(Buffer.from('abc'));
  const digest = digestOf('abc', 'sha512');
  assert.equal((await ingest.commit({ digest })).digest, digest);
});

test('restart() starts over, commit() of what is there already is cheap', async () => {
  const { store, folder } = opened();
  using lease = store.lease('test');
  for (const _ of [1, 2]) {
    const ingest = await store.ingest('key', { lease });
    await ingest.write(Buffer.from('wrong'));
    await ingest.restart();
    await ingest.write(Buffer.from('right'));
    assert.equal((await ingest.commit()).digest, digestOf('right'));
  }
  assert.equal(files(folder).length, 1);
});

test('two commits of the same bytes at once give one blob', async () => {
  const { store, folder } = opened();
  using lease = store.lease('test');
  const ingests = await Promise.all(['a', 'b', 'c'].map((key) => store.ingest(key, { lease })));
  for (const ingest of ingests) await ingest.write(Buffer.from('same'));
  const infos = await Promise.all(ingests.map((ingest) => ingest.commit()));
  assert.equal(new Set(infos.map(({ digest }) => digest)).size, 1);
  assert.equal(files(folder).length, 1);
  assert.deepEqual(store.ingests(), []);
});

test('a damaged blob is named when it is read', async () => {
  const { store } = opened();
  using lease = store.lease('test');
  const digests = ['aaaa', 'bbbb', 'cccc'].map((text) => store.put(Buffer.from(text), { lease }).digest);
  writeFileSync(store.path(digests[0]!), 'aaab');
  truncateSync(store.path(digests[1]!), 2);
  rmSync(store.path(digests[2]!));
  for (const digest of digests) {
    const path = store.path(digest);
    await assert.rejects(store.read(digest, 100), (error: Error) => {
      assert.match(error.message, new RegExp(`${digest}.*${path}`));
      return 'code' in error && error.code === 'content.damaged';
    });
  }
  assert.throws(() => store.open(digests[2]!), { code: 'content.damaged' });
});

test('collect() keeps what roots and leases reach, and partial blobs of live leases', async () => {
  const { store, folder } = opened();
  const past = store.lease('past');
  const present = store.lease('present');
  const put = (text: string, lease = past, references: Digest[] = []): Digest =>
    store.put(Buffer.from(text), { lease, references }).digest;
  const layer = put('layer');
  const config = put('config');
  const manifest = put('manifest', past, [config, layer]);
  const index = put('index', past, [manifest]);
  const held = put('held', present, [put('below held')]);
  const loose = put('loose');
  for (const [key, lease] of [
    ['gone', past],
    ['kept', present],
  ] as const) {
    await using ingest = await store.ingest(key, { lease });
    await ingest.write(Buffer.from(key));
  }
  past.release();
  const reading = store.open(loose);
  assert.equal(store.usage([index]).reclaimableCount, 1);
  assert.equal(store.usage([]).reclaimableBytes, 'layer config manifest index loose'.replaceAll(' ', '').length);
  const { removed, freedBytes } = await store.collect([index]);
  assert.deepEqual(
    removed.map(({ digest }) => digest),
    [loose],
  );
  assert.equal(freedBytes, 'loose'.length + 'gone'.length);
  assert.equal(Buffer.concat((await reading.toArray()) as Buffer[]).toString(), 'loose', 'it is read to its end');
  assert.ok(store.stat(held));
  assert.deepEqual(
    store.ingests().map(({ key }) => key),
    ['kept'],
  );
  present.release();
  await store.collect([]);
  assert.deepEqual(files(folder), []);
  assert.deepEqual(
    { ...store.usage([]) },
    { count: 0, bytes: 0, reclaimableCount: 0, reclaimableBytes: 0, ingestCount: 0, ingestBytes: 0 },
  );
});

test('a blob committed or put while others are collected stays', async () => {
  const { store } = opened();
  const before = store.lease('before');
  for (let each = 0; each < 50; each++) store.put(Buffer.from(`blob ${each}`), { lease: before });
  before.release();
  using lease = store.lease('new');
  const ingest = await store.ingest('key', { lease });
  await ingest.write(Buffer.from('blob 7'));
  const [{ removed }, info] = await Promise.all([store.collect([]), ingest.commit()]);
  const again = store.put(Buffer.from('blob 8'), { lease });
  assert.ok(removed.length >= 49);
  await store.collect([]);
  for (const { digest } of [info, again]) {
    assert.ok(store.stat(digest));
    assert.ok((await store.read(digest, 10)).toString().startsWith('blob'));
  }
});

test('leases end, last for a time, or survive the process for a day', async () => {
  const world = opened();
  const put = (name: string): { lease: ReturnType<DiskContentStore['lease']>; digest: Digest } => {
    const lease = world.store.lease(name);
    return { lease, digest: world.store.put(Buffer.from(name), { lease }).digest };
  };
  const kept = put('kept');
  const released = put('released');
  const crashed = put('crashed');
  kept.lease.keepFor(60_000);
  released.lease.release();
  assert.throws(() => released.lease.hold('more'), /is over/);
  const left = async (store: DiskContentStore): Promise<boolean[]> => {
    await store.collect([]);
    return [kept, released, crashed].map(({ digest }) => store.stat(digest) !== undefined);
  };
  const after = world.again();
  assert.ok(after.isHeld(crashed.digest));
  assert.deepEqual(await left(after), [true, false, true]);
  world.clock = 60_001;
  assert.deepEqual(await left(after), [false, false, true]);
  const taken = after.lease('crashed');
  world.clock = 24 * 3_600_000 + 1;
  assert.deepEqual(await left(after), [false, false, true], 'a lease in use does not end');
  taken.release();
  assert.deepEqual(await left(after), [false, false, false]);
  assert.deepEqual(world.records.of('lease-hold').list(), []);
  assert.deepEqual(world.records.of('lease').list(), []);
});

test('a transient lease ends with the process, unless a lasting one shares it', async () => {
  const world = opened();
  const put = (text: string): Digest =>
    world.store.put(Buffer.from(text), { lease: world.store.lease(text, { isTransient: true }) }).digest;
  const [alone, shared] = [put('alone'), put('shared')];
  world.store.lease('shared');
  await world.store.collect([]);
  assert.ok(world.store.stat(alone), 'it holds as long as it lasts');
  const after = world.again();
  await after.collect([]);
  assert.deepEqual(
    [alone, shared].map((digest) => after.stat(digest) !== undefined),
    [false, true],
  );
});

test('a lease of two users ends with the later one', async () => {
  const { store, records } = opened();
  const [one, two] = [store.lease('same'), store.lease('same')];
  const { digest } = store.put(Buffer.from('x'), { lease: one });
  one.release();
  await store.collect([]);
  assert.ok(store.stat(digest));
  two.release();
  two.release();
  await store.collect([]);
  assert.equal(store.stat(digest), undefined);
  assert.deepEqual(records.of('lease').list(), []);
});

test('opening removes what a crash left over', async () => {
  const world = opened();
  const lease = world.store.lease('test');
  const [kept, lost] = ['kept', 'lost'].map((text) => world.store.put(Buffer.from(text), { lease }).digest);
  await using ingest = await world.store.ingest('partial', { lease });
  await ingest.write(Buffer.from('some'));
  await ingest.flush();
  rmSync(world.store.path(lost!));
  for (const path of [`blobs/sha256/${'0'.repeat(64)}`, 'blobs/sha256/x.1.tmp', 'trash/x', 'ingest/x']) {
    writeFileSync(`${world.folder}/${path}`, 'left over');
  }
  const store = world.again();
  assert.ok(store.stat(kept!));
  assert.equal(store.stat(lost!), undefined);
  assert.equal(files(world.folder).length, 2);
  rmSync(`${world.folder}/ingest`, { recursive: true });
  assert.deepEqual(world.again().ingests(), []);
  assert.ok(existsSync(`${world.folder}/ingest`));
});

test('what is collected goes before what it refers to', () => {
  const blob = (digest: string, ...references: string[]) =>
    ({ digest, references, sizeBytes: 1, createdAt: '' }) as unknown as Parameters<typeof referrersFirst>[0][number];
  const all = [
    blob('layer'),
    blob('manifest', 'config', 'layer', 'elsewhere'),
    blob('config'),
    blob('index', 'manifest', 'other'),
    blob('other', 'layer'),
  ];
  const order = referrersFirst(all).map(({ digest }) => digest as string);
  assert.deepEqual([...order].sort(), ['config', 'index', 'layer', 'manifest', 'other']);
  for (const { digest, references } of all) {
    for (const reference of references) {
      const at = order.indexOf(reference);
      assert.ok(at < 0 || order.indexOf(digest) < at, `${digest} before ${reference}: ${order.join()}`);
    }
  }
});
