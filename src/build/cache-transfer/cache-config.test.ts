import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, SkiffError } from '#base';
import {
  type CacheConfig,
  type CacheRecord,
  encodeCacheConfig,
  encodeInlineCache,
  parseCacheConfig,
  parseInlineCache,
} from './cache-config.ts';

const digest = (name: string) => digestOf(name);
const record = (name: string, layers: readonly number[], identity?: string): CacheRecord => ({
  key: digest(name),
  identity: identity ?? digest(name),
  layers,
  createdAt: '2026-01-02T03:04:05Z',
});

test('what is written is read again: stacks that share layers, identities of their own, none at all', () => {
  const config: CacheConfig = {
    blobs: [digest('base'), digest('a'), digest('b')],
    records: [record('one', [0, 1]), record('two', [0, 1, 2]), record('three', [0, 2], `${digest('three')}@again`)],
  };
  assert.deepEqual(parseCacheConfig(encodeCacheConfig(config)), config);
  assert.deepEqual(parseCacheConfig(encodeCacheConfig({ blobs: [], records: [] })), { blobs: [], records: [] });
  const inline = [record('one', [0]), record('two', [0, 1]), record('three', [0, 2], 'x')];
  assert.deepEqual(parseInlineCache(encodeInlineCache(inline), 3), inline);
});

test("the document is BuildKit's: layers with their parent, records with the topmost one", () => {
  const config = { blobs: [digest('base'), digest('a')], records: [record('one', [0, 1])] };
  const document = JSON.parse(encodeCacheConfig(config).toString()) as unknown;
  assert.deepEqual(document, {
    layers: [
      { blob: digest('base'), parent: -1 },
      { blob: digest('a'), parent: 0 },
    ],
    records: [{ layers: [{ layer: 1, createdAt: '2026-01-02T03:04:05Z' }], digest: digest('one') }],
  });
});

test('what BuildKit writes is read: a parent of 0 left out, chains, records that only link, null', () => {
  const text = JSON.stringify({
    layers: [{ blob: digest('x'), parent: -1 }, { blob: digest('y') }],
    records: [
      { digest: digest('link'), inputs: [[{ link: 1 }]] },
      { digest: digest('r'), layers: [{ layer: 1, createdAt: 'then' }], inputs: null },
      { digest: digest('c'), chains: [{ layers: [1, 0] }] },
      { digest: 'random:abc', layers: [{ layer: 0 }] },
    ],
  });
  const { blobs, records } = parseCacheConfig(Buffer.from(text));
  assert.deepEqual(blobs, [digest('x'), digest('y')]);
  assert.deepEqual(
    records.map(({ key, layers }) => [key, layers]),
    [
      [digest('r'), [0, 1]],
      [digest('c'), [1, 0]],
    ],
  );
});

test('what is no cache is refused', () => {
  const bad: readonly unknown[] = [
    'no json',
    [],
    { layers: {} },
    { layers: [{ blob: 'nothing' }] },
    { layers: [{ blob: digest('x'), parent: 4 }] },
    { layers: [{ blob: digest('x'), parent: 0 }], records: [{ digest: digest('r'), layers: [{ layer: 0 }] }] },
    { layers: [], records: [{ digest: digest('r'), layers: [{ layer: 0 }] }] },
    { layers: [], records: [3] },
  ];
  for (const each of bad) {
    const text = typeof each === 'string' ? each : JSON.stringify(each);
    assert.throws(() => parseCacheConfig(Buffer.from(text)), { code: 'build.badCache' }, text);
  }
  assert.throws(() => parseInlineCache('AAAA', 1), { code: 'build.badCache' });
});

test('fuzz: changed documents are read or refused, in bounded time', () => {
  const seed = encodeCacheConfig({
    blobs: [digest('base'), digest('a'), digest('b')],
    records: [record('one', [0, 1]), record('two', [0, 1, 2]), record('three', [2])],
  });
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state % below;
  };
  const rounds = Number(process.env['SKIFF_FUZZ_ROUNDS'] ?? 400);
  for (let round = 0; round < rounds; round++) {
    const bytes = Buffer.from(seed);
    for (let change = random(6); change >= 0; change--) {
      const at = random(bytes.length);
      if (random(2) === 0) bytes[at] = 0x20 + random(0x5f);
      else bytes.copyWithin(at, random(bytes.length), random(bytes.length));
    }
    try {
      for (const { layers } of parseCacheConfig(bytes).records) assert.ok(layers.every((each) => each >= 0));
      parseInlineCache(bytes.toString('base64'), 3);
    } catch (error) {
      assert.ok(error instanceof SkiffError && error.code === 'build.badCache', String(error));
    }
  }
});
