import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolvePath } from './resolve-path.ts';

test('resolvePath() follows symlinks inside the root and nowhere else', async () => {
  const links: Readonly<Record<string, string>> = {
    abs: '/a/b',
    'a/up': '../../../etc',
    'a/rel': 'b/.',
    loop: 'loop',
    'a/b/out': '/../../..',
    chain: 'abs/c',
    gone: '/nowhere/at/all',
  };
  const readLink = (path: string): Promise<string | undefined> => Promise.resolve(links[path]);
  const check = async (path: string, expected: string, followLast = true): Promise<void> =>
    assert.equal(await resolvePath(path, readLink, followLast), expected, path);
  await check('', '');
  await check('a/b/c', 'a/b/c');
  await check('abs', 'abs', false);
  await check('abs', 'a/b');
  await check('abs/x', 'a/b/x', false);
  await check('a/up/passwd', 'etc/passwd');
  await check('a/rel/c', 'a/b/c');
  await check('a/b/out/x', 'x');
  await check('chain/d', 'a/b/c/d');
  await check('gone/x', 'nowhere/at/all/x');
  await check('a/../../b', 'b');
  await assert.rejects(resolvePath('loop', readLink, true), /too many levels of symbolic links/);
});

test('resolvePath() never leaves the root, whatever the links say', async () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const words = ['..', '.', '', 'a', 'b', 'c', '/'];
  const text = (): string => Array.from({ length: 1 + random(6) }, () => words[random(words.length)]!).join('/');
  for (let turn = 0; turn < 3000; turn++) {
    const links = new Map<string, string>();
    for (let count = random(6); count > 0; count--) links.set(['a', 'b', 'a/b', 'c/a', 'c'][random(5)]!, text());
    const resolved = await resolvePath(text(), (path) => Promise.resolve(links.get(path)), true).catch(() => '');
    assert.ok(!resolved.startsWith('/') && !resolved.split('/').includes('..'), resolved);
  }
});
