import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  csvFields,
  parseAgent,
  parseAnnotation,
  parseAttests,
  parseCache,
  parseOutput,
  parseSecret,
} from './build-options.ts';

test('fields with commas, in quotes where one has commas of its own', () => {
  assert.deepEqual(csvFields('a=1,b=2'), ['a=1', 'b=2']);
  assert.deepEqual(csvFields('type=x,"name=a,b",c="d"'), ['type=x', 'name=a,b', 'c="d"']);
  assert.deepEqual(csvFields('"a=""b"""'), ['a="b"']);
  assert.deepEqual(csvFields(''), ['']);
  assert.throws(() => csvFields('"a=b'), /a quote is not closed/);
});

test('outputs: short forms, files, and what goes to a registry', () => {
  const cases: readonly (readonly [string, ReturnType<typeof parseOutput>])[] = [
    ['out', { Type: 'local', Attrs: {}, dest: 'out' }],
    ['-', { Type: 'tar', Attrs: {}, dest: '-' }],
    ['type=tar', { Type: 'tar', Attrs: {}, dest: '-' }],
    ['type=oci,dest=x,tar=false', { Type: 'oci', Attrs: { tar: 'false' }, dest: 'x' }],
    ['type=docker', { Type: 'image', Attrs: {}, dest: '' }],
    ['type=docker,dest=x', { Type: 'docker', Attrs: {}, dest: 'x' }],
    ['type=registry,compression=zstd', { Type: 'image', Attrs: { push: 'true', compression: 'zstd' }, dest: '' }],
    ['type=image,"name=a,b",push=true', { Type: 'image', Attrs: { name: 'a,b', push: 'true' }, dest: '' }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseOutput(text), expected, text);
  const refused: readonly (readonly [string, RegExp])[] = [
    ['dest=x', /type is required/],
    ['type=local', /dest is required for local/],
    ['type=oci,tar=false', /dest is required for oci/],
    ['type=image,dest=x', /an image goes to the image store or a registry/],
    ['type=tar,x', /x: write it as name=value/],
  ];
  for (const [text, message] of refused) assert.throws(() => parseOutput(text), message, text);
});

test('caches, annotations and statements', () => {
  assert.deepEqual(parseCache('a/b:c'), { Type: 'registry', Attrs: { ref: 'a/b:c' } });
  assert.deepEqual(parseCache('type=local,dest=x'), { Type: 'local', Attrs: { dest: 'x' } });
  assert.throws(() => parseCache('ref=x'), /type required/);
  const annotations: readonly (readonly [string, readonly string[]])[] = [
    ['a=b', ['annotation.a=b']],
    ['a=b=c', ['annotation.a=b=c']],
    ['index:org.x=y', ['annotation-index.org.x=y']],
    [
      'manifest[linux/amd64],index-descriptor:a=b',
      ['annotation-manifest[linux/amd64].a=b', 'annotation-index-descriptor.a=b'],
    ],
    ['other:a=b', ['annotation.other:a=b']],
  ];
  for (const [text, expected] of annotations) {
    assert.deepEqual(
      parseAnnotation(text).map(({ name, value }) => `${name}=${value}`),
      expected,
    );
  }
  assert.throws(() => parseAnnotation('a'), /KEY=VALUE/);
  const attests = [
    { type: '', text: 'type=sbom,generator=x' },
    { type: 'provenance', text: 'mode=max' },
    { type: 'sbom', text: 'false' },
  ];
  assert.deepEqual(parseAttests(attests), { provenance: 'mode=max' });
  assert.deepEqual(parseAttests([{ type: 'sbom', text: 'true' }]), { sbom: '' });
  assert.throws(() => parseAttests([{ type: '', text: 'mode=max' }]), /type not specified/);
});

test('secrets and agents, from files and from the environment', () => {
  const environment = { TOKEN: 't', SSH_AUTH_SOCK: '/agent' };
  const source = (text: string) => parseSecret(text, environment);
  assert.deepEqual(source('id=a,src=f'), { id: 'a', source: { kind: 'file', path: 'f' } });
  assert.deepEqual(source('src=d/f'), { id: 'f', source: { kind: 'file', path: 'd/f' } });
  assert.deepEqual(source('id=TOKEN'), { id: 'TOKEN', source: { kind: 'environment', name: 'TOKEN' } });
  assert.deepEqual(source('id=a,env=TOKEN'), { id: 'a', source: { kind: 'environment', name: 'TOKEN' } });
  assert.throws(() => source('id=a,colour=red'), /unexpected key 'colour'/);
  assert.throws(() => source('type=file'), /it has no id/);
  assert.deepEqual(parseAgent('default', environment), ['default', '/agent']);
  assert.deepEqual(parseAgent('x=/s', environment), ['x', '/s']);
  assert.throws(() => parseAgent('default', {}), /SSH_AUTH_SOCK/);
});
