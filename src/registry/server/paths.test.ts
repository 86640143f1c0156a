import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from './answers.ts';
import { parseManifestReference, parsePath } from './paths.ts';
import { heldRange, parseContentRange, parseRange } from './ranges.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

test('parsePath() tells what of which repository is meant', () => {
  const check = (path: string, expected: object | undefined): void => assert.deepEqual(parsePath(path), expected, path);
  check('/v2', { kind: 'ping' });
  check('/v2/', { kind: 'ping' });
  check('/v2/_catalog', { kind: 'catalog' });
  check('/v2/a/tags/list', { kind: 'tags', name: 'a' });
  check('/v2/a/b/manifests/latest', { kind: 'manifest', name: 'a/b', reference: 'latest' });
  check(`/v2/a/manifests/${DIGEST}`, { kind: 'manifest', name: 'a', reference: DIGEST });
  check(`/v2/a/manifests/${encodeURIComponent(DIGEST)}`, { kind: 'manifest', name: 'a', reference: DIGEST });
  check(`/v2/a/blobs/${DIGEST}`, { kind: 'blob', name: 'a', digest: DIGEST });
  check('/v2/a/blobs/uploads', { kind: 'uploads', name: 'a' });
  check('/v2/a/blobs/uploads/', { kind: 'uploads', name: 'a' });
  check('/v2/a/blobs/uploads/id', { kind: 'upload', name: 'a', id: 'id' });
  check('/v2/blobs/uploads/blobs/uploads/', { kind: 'uploads', name: 'blobs/uploads' });
  check('/v2/a/tags/list/tags/list', { kind: 'tags', name: 'a/tags/list' });
  check(`/v2/a/referrers/${DIGEST}`, { kind: 'referrers', name: 'a', digest: DIGEST });
  for (const path of ['/', '/v1/', '/v2/a', '/v2/a/tags', '/v2/a/manifests/', '/v2//tags/list', '/v3/a/tags/list']) {
    check(path, undefined);
  }
});

test('parsePath() refuses names the specification has not', () => {
  for (const name of ['A', 'a//b', '-a', 'a-', 'a..b', 'a___b', '../a', 'a/../b', 'ä', '%2e%2e', 'a'.repeat(256)]) {
    assert.throws(() => parsePath(`/v2/${name}/tags/list`), { code: 'distribution.nameInvalid' }, name);
  }
});

test('parseManifestReference() tells tags from digests', () => {
  assert.deepEqual(parseManifestReference(DIGEST), { digest: DIGEST });
  assert.deepEqual(parseManifestReference('V_1.0-x'), { tag: 'V_1.0-x' });
  assert.throws(() => parseManifestReference('sha256:baddigeststring'), { code: 'distribution.digestInvalid' });
  assert.throws(() => parseManifestReference('md5:00'), { code: 'distribution.digestInvalid' });
  for (const tag of ['.a', '-a', 'a b', 'x'.repeat(129)]) {
    assert.throws(() => parseManifestReference(tag), { code: 'distribution.tagInvalid' }, tag);
  }
});

test('parseRange() gives the part that is asked for', () => {
  const check = (header: string | undefined, size: number, expected: unknown): void =>
    assert.deepEqual(parseRange(header, size), expected, `${header} of ${size}`);
  check(undefined, 10, undefined);
  check('bytes=0-0', 10, { start: 0, end: 0 });
  check('bytes=2-', 10, { start: 2, end: 9 });
  check('bytes=2-100', 10, { start: 2, end: 9 });
  check('bytes=-3', 10, { start: 7, end: 9 });
  check('bytes=-30', 10, { start: 0, end: 9 });
  for (const header of ['bytes=10-', 'bytes=5-2', 'bytes=-0']) check(header, 10, 'unsatisfiable');
  check('bytes=0-', 0, 'unsatisfiable');
  for (const header of ['', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,3-4', `bytes=${'9'.repeat(30)}-`]) {
    check(header, 10, undefined);
  }
});

test('parseContentRange() and heldRange() speak of uploads', () => {
  assert.deepEqual(parseContentRange('0-99'), { start: 0, end: 99 });
  for (const header of ['', '5-2', 'bytes 0-99/*', '0-', '-5', 'a-b'])
    assert.equal(parseContentRange(header), undefined);
  assert.deepEqual([0, 1, 100].map(heldRange), ['0-0', '0-0', '0-99']);
});

test('pageOf() cuts a sorted list into pages', () => {
  const all = ['a', 'b', 'c', 'd'];
  const check = (query: string, items: string[], last?: string): void =>
    assert.deepEqual(pageOf(all, new URLSearchParams(query), undefined), { items, last }, query);
  check('', all);
  check('n=2', ['a', 'b'], 'b');
  check('n=2&last=b', ['c', 'd']);
  check('n=1&last=bb', ['c'], 'c');
  check('last=d', []);
  check('n=0', []);
  check('n=4', all);
  for (const n of ['-1', 'x', '1.5', '']) {
    assert.throws(() => pageOf(all, new URLSearchParams({ n }), undefined), { code: 'distribution.pageInvalid' }, n);
  }
});
