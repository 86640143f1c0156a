import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, test } from 'node:test';
import { byteString, encodeTarEntry, TAR_END, tarEntry } from '#wire';
import { packLocal } from './pack-local.ts';
import { archiveNameOf, parseCopyArgument, planCopy } from './paths.ts';
import { unpackLocal } from './unpack-local.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/skiff-copy-`);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('parseCopyArgument() tells containers from paths of this machine', () => {
  const check = (text: string, container: string, path: string): void =>
    assert.deepEqual(parseCopyArgument(text), { container, path });
  check('box:/etc', 'box', '/etc');
  check('box:etc', 'box', 'etc');
  check('/a:b', '', '/a:b');
  check('./a:b', '', './a:b');
  check('plain', '', 'plain');
  check('-', '', '-');
});

test('planCopy() goes into folders and renames otherwise', () => {
  const check = (isFolder: boolean, target: string, there: '' | 'file' | 'folder', expected: object | RegExp): void => {
    const plan = () => planCopy({ isFolder }, { path: target, exists: there !== '', isFolder: there === 'folder' });
    if (expected instanceof RegExp) assert.throws(plan, expected);
    else assert.deepEqual(plan(), expected, `${target} ${there}`);
  };
  check(false, '/d', 'folder', { folder: '/d' });
  check(true, '/d', 'folder', { folder: '/d' });
  check(false, '/d/f', 'file', { folder: '/d', name: 'f' });
  check(false, '/d/new', '', { folder: '/d', name: 'new' });
  check(true, '/d/new', '', { folder: '/d', name: 'new' });
  check(true, '/d/new/', '', { folder: '/d', name: 'new' });
  check(false, '/d/new/', '', /no such directory/);
  check(true, '/d/f', 'file', /cannot copy directory/);
  assert.deepEqual(['/a/b', '/a/b/', 'a/.', '/', '.'].map(archiveNameOf), ['b', 'b', '.', '/', '.']);
});

test('a tree packed and unpacked is the same tree, under another name', async () => {
  const source = `${folder}/src`;
  mkdirSync(`${source}/sub`, { recursive: true });
  writeFileSync(`${source}/file`, 'content\n'.repeat(100_000));
  writeFileSync(`${source}/empty`, '');
  chmodSync(`${source}/file`, 0o751);
  linkSync(`${source}/file`, `${source}/sub/hard`);
  symlinkSync('../file', `${source}/sub/soft`);
  utimesSync(`${source}/sub`, 1_000_000, 1_000_000);
  await unpackLocal(packLocal(source, 'src'), { folder, rename: { from: 'src', to: 'copy' }, keepOwners: false });
  const copy = `${folder}/copy`;
  assert.equal(readFileSync(`${copy}/file`, 'utf8'), 'content\n'.repeat(100_000));
  assert.equal(statSync(`${copy}/file`).mode & 0o777, 0o751);
  assert.equal(statSync(`${copy}/file`).ino, statSync(`${copy}/sub/hard`).ino);
  assert.equal(readlinkSync(`${copy}/sub/soft`), '../file');
  assert.equal(statSync(`${copy}/sub`).mtimeMs, 1_000_000_000);
  assert.equal(statSync(`${copy}/empty`).size, 0);
});

test('an archive that means harm writes nothing outside of its folder', async () => {
  mkdirSync(`${folder}/in`);
  mkdirSync(`${folder}/out`);
  const unpack = (...entries: Buffer[]): Promise<unknown> =>
    unpackLocal(chunks([...entries, TAR_END]), { folder: `${folder}/in`, keepOwners: false });
  const link = encodeTarEntry(tarEntry('leak', 'symlink', { linkPath: byteString('../out') }));
  await assert.rejects(unpack(link, encodeTarEntry(tarEntry('leak/file', 'file'))), /leak is no folder/);
  await assert.rejects(unpack(encodeTarEntry(tarEntry('../out/file', 'file'))), /leads out of its folder/);
  const hard = encodeTarEntry(tarEntry('hard', 'hard-link', { linkPath: byteString('../out/x') }));
  await assert.rejects(unpack(hard), /leads out of its folder/);
  symlinkSync(`${folder}/out/victim`, `${folder}/in/name`);
  await unpack(encodeTarEntry(tarEntry('name', 'file')));
  assert.ok(lstatSync(`${folder}/in/name`).isFile(), 'a symlink is replaced, not written through');
  assert.ok(!existsSync(`${folder}/out/victim`) && !existsSync(`${folder}/out/file`));
  mkdirSync(`${folder}/in/dir`);
  await assert.rejects(unpack(encodeTarEntry(tarEntry('dir', 'file'))), /cannot overwrite directory/);
});

async function* chunks(list: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield Buffer.concat(list);
}
