import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotationsFor, checkAnnotations, readAnnotation } from './annotations.ts';

const host = { os: 'linux', architecture: 'amd64' };
const arm = { os: 'linux', architecture: 'arm64' };
const read = (options: Readonly<Record<string, string>>) =>
  Object.entries(options).flatMap(([name, value]) => readAnnotation(name, value, host) ?? []);

test('where an annotation goes is in the name of its option', () => {
  const all = read({
    'annotation.a': '1',
    'annotation-manifest[linux/arm64].a': '2',
    'annotation-manifest.b.c': '3',
    'annotation-index.d': '4',
    'annotation-index-descriptor.e': '5',
    'annotation-manifest-descriptor[linux/arm64/v8].f': '6',
    name: 'no annotation',
  });
  assert.deepEqual(annotationsFor(all, 'manifest', host), { a: '1', 'b.c': '3' });
  assert.deepEqual(annotationsFor(all, 'manifest', arm), { a: '2', 'b.c': '3' });
  assert.deepEqual(annotationsFor(all, 'index'), { d: '4' });
  assert.deepEqual(annotationsFor(all, 'index-descriptor'), { e: '5' });
  assert.deepEqual(annotationsFor(all, 'manifest-descriptor', arm), { f: '6' });
  assert.equal(annotationsFor(all, 'manifest-descriptor', host), undefined);
});

test('annotations that have no place are refused', () => {
  assert.throws(() => read({ 'annotation-layer.a': '1' }), { code: 'build.badAnnotation' });
  const check = (options: Readonly<Record<string, string>>, more = {}): void =>
    checkAnnotations(read(options), { platforms: [host], hasIndex: false, isOci: true, ...more });
  const bad = { code: 'build.badAnnotation' };
  assert.throws(() => check({ 'annotation-index.a': '1' }), bad);
  assert.throws(() => check({ 'annotation-manifest[linux/arm64].a': '1' }), bad);
  assert.throws(() => check({ 'annotation-manifest-descriptor.a': '1' }, { isOci: false }), bad);
  check({ 'annotation-index.a': '1', 'annotation.b': '2' }, { hasIndex: true });
});
