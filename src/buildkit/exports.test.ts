import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExportWish } from '#build';
import { importCaches, readCacheExports, readCacheImports } from './caches.ts';
import { readExports } from './exports.ts';
import type { Session } from './sessions.ts';

const paths = {
  session: (): Session => assert.fail('the session is asked for'),
  credentialsFor: async () => ({}),
  signal: new AbortController().signal,
  onBytes: () => {},
};
const read = (Type: string, Attrs: Readonly<Record<string, string>> = {}): ExportWish[] =>
  readExports([{ Type, Attrs }], paths);
const badOption = (message: RegExp) => ({ code: 'buildkit.badOption', message });

test('the image store, a registry, or both', () => {
  const kinds = (attributes: Readonly<Record<string, string>>): string[] =>
    read('moby', attributes).map(({ kind }) => kind);
  assert.deepEqual(kinds({ name: 'a:1', 'prefer-image-digest': 'true' }), ['store']);
  assert.deepEqual(kinds({ name: 'a:1', load: 'true' }), ['store']);
  assert.deepEqual(kinds({ name: 'a:1', push: 'true', unpack: 'false' }), ['store', 'push']);
  assert.deepEqual(kinds({ name: 'a:1', push: '', store: 'false' }), ['push']);
  const [store, push] = read('image', { name: 'a:1,b', push: 'true', compression: 'zstd', 'compression-level': '3' });
  assert.ok(push?.kind === 'push');
  // The very form, so that both are the same bytes.
  assert.deepEqual(store, { kind: 'store', names: ['a:1', 'b'], form: push.form });
  assert.ok(store?.kind === 'store' && store.form === push.form);
  assert.deepEqual(push.form.compression, { format: 'zstd', level: 3, isForced: false });
  assert.deepEqual([push.form.names, push.form.hasInlineAttestations], [['a:1', 'b'], true]);
  const [byDigest] = read('image', { name: 'a', push: 'true', 'push-by-digest': 'true' });
  assert.ok(byDigest?.kind === 'store');
  assert.deepEqual(byDigest.names, []);
  const [stays] = read('moby', { name: 'a', 'annotation.a': 'b' });
  assert.ok(stays?.kind === 'store');
  assert.deepEqual([stays.form.annotations.length, stays.form.hasInlineAttestations], [1, false]);
});

test('archives, folders and their options', () => {
  const [archive] = read('oci', {
    name: 'a',
    'annotation-index.k': 'v',
    'source-date-epoch': '5',
    'oci-mediatypes': 'false',
  });
  assert.ok(archive?.kind === 'archive');
  assert.deepEqual([archive.isDocker, archive.form.isOci, archive.form.epochNs], [false, false, 5_000_000_000n]);
  assert.deepEqual(archive.form.annotations, [{ place: 'index', platform: undefined, key: 'k', value: 'v' }]);
  assert.equal(read('oci', { tar: 'false' })[0]?.kind, 'layout');
  const [folder] = read('local', { 'platform-split': 'false', 'attestation-prefix': 'p-', src: '/a', mode: 'delete' });
  assert.ok(folder?.kind === 'folder');
  assert.deepEqual(folder.files, { isSplit: false, attestationPrefix: 'p-', source: '/a', epochNs: undefined });
});

test('options nobody can honour are refused by their names', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['moby', { colour: 'red' }, /type=moby: colour=red: it is not known/],
    ['moby', { push: 'perhaps' }, /push=perhaps: use true or false/],
    ['moby', { unpack: 'false' }, /unpack=false/],
    ['moby', { name: 'a', push: 'true', 'registry.insecure': 'true' }, /--insecure-registry/],
    ['oci', { compression: 'estargz' }, /compression=estargz: use gzip, zstd or uncompressed/],
    ['oci', { 'compression-level': '10' }, /compression-level=10: use a number from 0 to 9/],
    ['oci', { 'rewrite-timestamp': 'false' }, /rewrite-timestamp=false/],
    ['oci', { 'source-date-epoch': 'now' }, /source-date-epoch=now: give it in seconds/],
    ['local', { mode: 'mirror' }, /mode=mirror: use copy or delete/],
    ['tar', { name: 'a' }, /type=tar: name=a/],
    ['s3', {}, /type=s3: use image, oci, docker, local or tar/],
  ];
  for (const [type, attributes, message] of cases) assert.throws(() => read(type, attributes), badOption(message));
});

test('caches to keep, and caches to look into', async () => {
  const { wishes, hasInline } = readCacheExports(
    [
      { Type: 'inline', Attrs: {} },
      { Type: 'registry', Attrs: { ref: 'a:c', mode: 'max', 'ignore-error': 'true' } },
      { Type: 'local', Attrs: { dest: 'x', 'oci-mediatypes': 'false' } },
    ],
    paths,
  );
  assert.equal(hasInline, true);
  assert.deepEqual(
    wishes.map(({ kind, form }) => [kind, form.isWhole, form.isManifest, form.isOci, form.ignoresErrors]),
    [
      ['registry', true, true, true, true],
      ['layout', false, false, false, false],
    ],
  );
  const refused: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['registry', {}, /ref: name the repository/],
    ['local', { dest: 'x', 'image-manifest': 'true', 'oci-mediatypes': 'false' }, /image-manifest=true/],
    ['inline', { mode: 'max' }, /mode=max/],
    ['gha', {}, /type=gha: use inline, registry or local/],
  ];
  for (const [Type, Attrs, message] of refused) {
    assert.throws(() => readCacheExports([{ Type, Attrs }], paths), badOption(message));
  }
  const imports = readCacheImports({ 'cache-from': 'a,b', 'cache-imports': '[{"Type":"local","Attrs":{"src":"x"}}]' });
  assert.deepEqual(
    imports.map(({ Type, Attrs }) => [Type, Attrs['ref'] ?? Attrs['src']]),
    [
      ['registry', 'a'],
      ['registry', 'b'],
      ['local', 'x'],
    ],
  );
  assert.deepEqual(readCacheImports({ 'cache-imports': 'null' }), []);
  for (const text of ['{', '{}'])
    assert.throws(() => readCacheImports({ 'cache-imports': text }), badOption(/cache-imports/));
  const asked: string[] = [];
  const parts = {
    ...paths,
    progress: { during: <T>(name: string, work: (vertex: string) => Promise<T>) => (asked.push(name), work('')) },
    builder: {
      registryCache: async (name: string) => {
        if (name === 'gone') throw new Error('there is none');
        return { find: () => undefined, mount: () => undefined };
      },
      imageCache: async () => assert.fail('no image is looked into'),
    },
  };
  const registries = ['gone', 'there'].map((ref) => ({ Type: 'registry', Attrs: { ref } }));
  assert.equal((await importCaches(registries, parts)).length, 1, 'what cannot be had is passed over');
  assert.deepEqual(asked, ['importing cache manifest from gone', 'importing cache manifest from there']);
  await assert.rejects(importCaches([{ Type: 'local', Attrs: { src: 'x' } }], parts), badOption(/digest/));
});
