import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { digestOf } from '#base';
import { content } from '#specs/buildkit';
import { digestInLayout, LayoutFolder, listInLayout } from './layout-folder.ts';

const { STAT, WRITE, COMMIT } = content.WriteAction;

let folder = '';
beforeEach(() => (folder = mkdtempSync('/tmp/skiff-layout-')));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function write(store: LayoutFolder, pieces: readonly string[], expected: string): Promise<bigint[]> {
  const requests = (async function* () {
    yield create(content.WriteContentRequestSchema, { action: STAT, expected });
    for (const piece of pieces)
      yield create(content.WriteContentRequestSchema, { action: WRITE, data: Buffer.from(piece) });
    yield create(content.WriteContentRequestSchema, { action: COMMIT, expected });
  })();
  const offsets: bigint[] = [];
  for await (const { offset = 0n } of store.write(requests)) offsets.push(offset);
  return offsets;
}

test('a blob is written in pieces, verified, and read again, whole and in part', async () => {
  const store = new LayoutFolder(folder);
  const digest = digestOf('hello');
  assert.deepEqual(await write(store, ['hel', 'lo'], digest), [0n, 3n, 5n, 5n]);
  assert.equal(store.sizeOf(digest), 5);
  const read = async (offset: number, size: number): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of store.read(digest, offset, size)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  assert.deepEqual([await read(0, 0), await read(1, 3)], ['hello', 'ell']);
  await assert.rejects(write(store, ['hello'], digest), { code: 'session.hasBlob' });
});

test('what is not what it should be has no name, and nothing of it stays', async () => {
  const store = new LayoutFolder(folder);
  await assert.rejects(write(store, ['other'], digestOf('hello')), { code: 'session.wrongBlob' });
  assert.deepEqual(readdirSync(`${folder}/ingest`), []);
  assert.equal(existsSync(`${folder}/blobs`), false);
  for (const text of [digestOf('none'), '../../etc/passwd', '']) {
    assert.throws(() => store.sizeOf(text), { code: 'session.noBlob' });
  }
});

test('the list of a folder: by tag, the last of a tag, others beside it', () => {
  assert.equal(digestInLayout(folder), undefined);
  const entry = (name: string) => ({ mediaType: 'm', digest: digestOf(name), size: 1 });
  listInLayout(folder, entry('one'), 'latest');
  listInLayout(folder, entry('two'), 'latest');
  listInLayout(folder, entry('three'), 'other');
  listInLayout(folder, entry('three'), undefined);
  assert.equal(digestInLayout(folder), digestOf('two'));
  assert.equal(digestInLayout(folder, 'other'), undefined);
  assert.deepEqual(JSON.parse(readFileSync(`${folder}/oci-layout`, 'utf8')), { imageLayoutVersion: '1.0.0' });
  assert.deepEqual(readdirSync(folder).sort(), ['index.json', 'oci-layout']);
  writeFileSync(`${folder}/index.json`, '{');
  assert.throws(() => digestInLayout(folder), { code: 'session.badLayout' });
});
