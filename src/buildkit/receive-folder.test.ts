import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { SkiffError } from '#base';
import { fsutil } from '#specs/buildkit';
import { Listing } from './receive-folder.ts';

const FOLDER = 2 ** 31 + 0o755;
const FILE = 0o644;
const SYMLINK = 2 ** 27 + 0o777;
const SOCKET = 2 ** 24 + 0o600;

type Row = readonly [path: string, mode: number, size?: number, link?: string];

/** Gives the numbers of those whose content is asked for. */
function listed(...entries: readonly Row[]): number[] {
  const list = new Listing();
  for (const [path, mode, size = 0, linkname = ''] of entries) {
    list.add(create(fsutil.StatSchema, { path, mode, size: BigInt(size), linkname }));
  }
  return list.files;
}

test('content is asked for by the running number of what has some', () => {
  const check = (entries: readonly Row[], expected: readonly number[]): void =>
    assert.deepEqual(listed(...entries), expected);
  check(
    [
      ['a', FOLDER],
      ['a/b', FILE, 3],
      ['a.c', FILE, 1],
    ],
    [1, 2],
  );
  check(
    [
      ['empty', FILE, 0],
      ['full', FILE, 1],
    ],
    [1],
  );
  check(
    [
      ['one', FILE, 5],
      ['same', FILE, 0, 'one'],
      ['to', SYMLINK, 0, '../anywhere'],
    ],
    [0],
  );
  check(
    [
      ['socket', SOCKET, 4],
      ['z', FILE, 1],
    ],
    [1],
  );
});

test('what could reach out of the folder, or comes out of order, is refused', () => {
  const check = (...entries: readonly Row[]): void => {
    assert.throws(
      () => listed(...entries),
      (error) => error instanceof SkiffError && error.code === 'buildkit.badListing',
      JSON.stringify(entries),
    );
  };
  for (const path of ['', '/etc', '..', '../x', 'a/../../b', 'a//b', './a', 'a/', 'a\0b']) check([path, FILE, 1]);
  check(['b', FILE], ['a', FILE]);
  check(['a', FILE], ['a', FILE]);
  check(['a.c', FILE], ['a/b', FILE]);
  check(['a', FILE, -1]);
  check(['a', FILE, 0, '/etc/shadow']);
  check(['a', FILE, 0, '../b']);
});
