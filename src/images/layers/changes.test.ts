import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TreeEntry } from '#linux';
import { type Change, comparePaths, compareTrees, compareUpper } from './changes.ts';

/** `a/` is a folder, `a` a file; ` NAME=VALUE` sets a field. */
function entryOf(text: string): TreeEntry {
  const [name, ...fields] = text.split(' ');
  const isFolder = name!.endsWith('/');
  const more = Object.fromEntries(fields.map((field) => field.split('=')));
  return {
    path: Buffer.from(name!.replace(/\/$/, '')),
    mode: (isFolder ? 0o040755 : 0o100644) ^ Number(more['mode'] ?? 0),
    uid: Number(more['uid'] ?? 0),
    gid: 0,
    size: Number(more['size'] ?? 0),
    mtimeNs: BigInt(more['time'] ?? 0),
    devMajor: 0,
    devMinor: 0,
    target: Buffer.alloc(0),
    xattrs: more['cap'] === undefined ? [] : [[Buffer.from('security.capability'), Buffer.from(more['cap'])]],
  };
}

async function* tree(names: readonly string[]): AsyncGenerator<TreeEntry> {
  yield* names.map(entryOf).toSorted((a, b) => comparePaths(a.path, b.path));
}

/** The same from an upper folder, in which `NAME gone` is a whiteout. */
async function checkUpper(before: string, upper: string, expected: string): Promise<void> {
  const split = (text: string): string[] => text.split(', ').filter((name) => name !== '');
  const below = new Map(split(before).map((text) => [entryOf(text).path.toString(), entryOf(text)]));
  const entries = split(upper).map((text) => {
    const isGone = text.endsWith(' gone');
    const entry = entryOf(text.replace(/ gone$/, ''));
    return isGone ? { ...entry, mode: 0o020000 } : entry;
  });
  async function* walked(): AsyncGenerator<TreeEntry> {
    yield* entries.toSorted((a, b) => comparePaths(a.path, b.path));
  }
  const found = await compareUpper(walked(), async (path) => below.get(path.toString()));
  const letter = ({ kind, path }: Change): string => `${kind[0]!.toUpperCase()} ${path}`;
  assert.equal(found.map(letter).join(', '), expected, `${before} | ${upper}`);
}

test('an upper folder tells the same as both trees', async () => {
  await checkUpper('', '', '');
  await checkUpper('d/, d/a', 'd/, d/b', 'M /d, A /d/b');
  await checkUpper('d/, d/a', 'd/, d/a gone', 'M /d, D /d/a');
  await checkUpper('d/, d/a', 'd gone', 'D /d');
  await checkUpper('', 'x gone', '');
  await checkUpper('d/', 'd/', '');
  await checkUpper('d/', 'd/ mode=8', 'M /d');
  // Copied up and left as it was.
  await checkUpper('d/, d/a', 'd/, d/a', '');
  await checkUpper('a', 'a/, a/b', 'M /a, A /a/b');
  await checkUpper('a/, a/b', 'a', 'M /a');
  await checkUpper('', 'n/, n/m/, n/m/k', 'A /n, A /n/m, A /n/m/k');
});

async function check(before: string, after: string, expected: string): Promise<void> {
  const split = (text: string): string[] => text.split(', ').filter((name) => name !== '');
  const found = await compareTrees(tree(split(before)), tree(split(after)));
  const letter = ({ kind, path }: Change): string => `${kind[0]!.toUpperCase()} ${path}`;
  assert.equal(found.map(letter).join(', '), expected, `${before} | ${after}`);
}

test('files are added, modified and deleted, with the folders above', async () => {
  await check('', 'a', 'A /a');
  await check('a', '', 'D /a');
  await check('a, b', 'a, b', '');
  await check('a', 'a size=1', 'M /a');
  await check('a', 'a uid=1', 'M /a');
  await check('a', 'a mode=1', 'M /a');
  await check('a', 'a cap=x', 'M /a');
  await check('d/, d/e/, d/e/f', 'd/, d/e/, d/e/f, d/e/g', 'M /d, M /d/e, A /d/e/g');
  await check('d/, d/a, e/, e/b', 'd/, e/', 'M /d, D /d/a, M /e, D /e/b');
  await check('d/, d/a, e/, f', 'd/, d/a, e/, f size=1', 'M /f');
});

test('the time of a folder is no change, that of a file is, except for a lost fraction', async () => {
  await check('d/', 'd/ time=5', '');
  await check('d/', 'd/ mode=8', 'M /d');
  await check('d/, d/a', 'd/ mode=8, d/a size=1', 'M /d, M /d/a');
  await check('a time=1500000000', 'a time=1700000000', 'M /a');
  await check('a time=1500000000', 'a time=1000000000', '');
  await check('a time=1500000000', 'a time=2000000000', 'M /a');
});

test('everything added is told, of what is deleted only the top', async () => {
  await check('', 'd/, d/e/, d/e/f', 'A /d, A /d/e, A /d/e/f');
  await check('d/, d/e/, d/e/f', '', 'D /d');
  await check('d/, d/e, d-x', '', 'D /d, D /d-x');
  await check('a/, a/b', 'a', 'M /a');
  await check('a', 'a/, a/b', 'M /a, A /a/b');
});

test('paths are ordered as a walk meets them', () => {
  const names = ['a', 'a/b', 'a/b/c', 'a/c', 'a-b', 'a.b', 'ab', 'b', '\u00fc'];
  const shuffled = names.toReversed().map((name) => Buffer.from(name));
  assert.deepEqual(shuffled.toSorted(comparePaths).map(String), names);
});
