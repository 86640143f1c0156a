import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { IgnoreMatcher, SkiffError } from '#base';
import { byteString, encodeTarEntry, TAR_END, type TarEntry, tarEntry, tarPadding } from '#wire';
import type { CopyAction } from '../graph.ts';
import { receiveContext } from './context.ts';
import type { LocalContext } from './context-index.ts';
import { contentDigest, selectSources } from './select.ts';

type More = Partial<TarEntry>;

const archive = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, TAR_END]);
const folder = (path: string, more: More = {}): Buffer => encodeTarEntry(tarEntry(path, 'directory', more));
const symlink = (path: string, target: string): Buffer =>
  encodeTarEntry(tarEntry(path, 'symlink', { linkPath: byteString(target) }));
const hardLink = (path: string, existing: string): Buffer =>
  encodeTarEntry(tarEntry(path, 'hard-link', { linkPath: byteString(existing) }));
const file = (path: string, content: string, more: More = {}): Buffer =>
  Buffer.concat([
    encodeTarEntry(tarEntry(path, 'file', { size: content.length, ...more })),
    Buffer.from(content),
    tarPadding(content.length),
  ]);

const COPY: CopyAction = {
  kind: 'copy',
  from: 0,
  sources: [],
  target: '/',
  mode: '',
  owner: '',
  excludes: [],
  keepsParents: false,
  unpacks: false,
  isLinked: false,
};

async function withContext<T>(tar: Buffer, use: (context: LocalContext, folder: string) => Promise<T>): Promise<T> {
  const at = mkdtempSync(`${tmpdir()}/skiff-context-`);
  try {
    const signal = new AbortController().signal;
    await using context = await receiveContext(Readable.from([tar]), { folder: at, signal });
    return await use(context, at);
  } finally {
    rmSync(at, { recursive: true });
  }
}

const none = new IgnoreMatcher([]);

const TREE = archive(
  folder('d', { mode: 0o750, uid: 5, gid: 6 }),
  file('d/one', 'one'),
  file('d/two.txt', 'two'),
  file('implied/deep/three.txt', 'three'),
  symlink('link', 'd'),
  symlink('out', '../../../etc'),
  hardLink('d/hard', 'd/one'),
);

test('a tar is kept as one nameless file with an index, whatever it is compressed with', async () => {
  for (const tar of [TREE, gzipSync(TREE)]) {
    await withContext(tar, async (context, at) => {
      assert.deepEqual(readdirSync(at), []);
      const tree = context.tree(none);
      const paths: string[] = [];
      for await (const { path } of tree.below('')) paths.push(path);
      const all = [
        'd',
        'd/hard',
        'd/one',
        'd/two.txt',
        'implied',
        'implied/deep',
        'implied/deep/three.txt',
        'link',
        'out',
      ];
      assert.deepEqual(paths, all);
      assert.deepEqual([(await tree.stat('d'))?.uid, (await tree.stat('d'))?.mode.toString(8)], [0, '40750']);
      assert.equal((await context.read('implied/deep/three.txt', 100))?.toString(), 'three');
      assert.equal(await context.read('d', 100), undefined);
      await assert.rejects(context.read('d/one', 2), { code: 'build.badContext' });
      const kept: string[] = [];
      for await (const { path } of context.tree(new IgnoreMatcher(['*', '!d/one'])).below('')) kept.push(path);
      assert.deepEqual(kept, ['d', 'd/one']);
    });
  }
});

test('what makes no tree is refused', async () => {
  const check = async (tar: Buffer, message: RegExp): Promise<void> => {
    await assert.rejects(
      withContext(tar, async () => {}),
      { code: 'build.badContext', message },
    );
  };
  await check(archive(file('../x', '')), /outside/);
  await check(archive(file('a', ''), file('a/b', '')), /no folder, but has something in it/);
  await check(archive(symlink('a', '/etc'), file('a/passwd', '')), /no folder, but has something in it/);
  await check(archive(folder('a'), file('a/b', ''), file('a', '')), /comes twice/);
  await check(archive(hardLink('a', 'nowhere')), /links to nothing/);
  await check(Buffer.from('no tar'), /tar/);
});

test('sources are found by name, wildcard and symlink, and nowhere else', async () => {
  await withContext(TREE, async (context) => {
    const tree = context.tree(none);
    const check = async (source: string, expected: string, keepsParents = false): Promise<void> => {
      const found = await selectSources(tree, { sources: [source], keepsParents });
      const shown = found.map(({ path, name, isFolder, parents }) => {
        const above = parents.map((each) => each.path).join('+');
        return `${path}${isFolder ? '/' : ''} as ${name}${above === '' ? '' : ` in ${above}`}`;
      });
      assert.equal(shown.join(', '), expected, source);
    };
    await check('d/one', 'd/one as d/one');
    await check('/d/', 'd/ as d');
    await check('.', '/ as ');
    await check('../../d/../d/one', 'd/one as d/one');
    await check('link', 'd/ as link');
    await check('link/one', 'd/one as link/one');
    await check('link/*.txt', 'd/two.txt as link/two.txt');
    await check('*/[ot]*', 'd/one as d/one, d/two.txt as d/two.txt');
    await check('**/one', 'd/one as d/one');
    await check('nothing*', '');
    await check(
      'implied/deep/three.txt',
      'implied/deep/three.txt as implied/deep/three.txt in implied+implied/deep',
      true,
    );
    await check('implied/./deep/three.txt', 'implied/deep/three.txt as implied/deep/three.txt in deep', true);
    await check(
      '**/*.txt',
      'd/two.txt as d/two.txt in d, implied/deep/three.txt as implied/deep/three.txt in implied+implied/deep',
      true,
    );
    await assert.rejects(selectSources(tree, { sources: ['nothing'], keepsParents: false }), {
      message: '"/nothing": not found',
    });
    await assert.rejects(selectSources(tree, { sources: ['out/passwd'], keepsParents: false }), {
      code: 'build.notFound',
    });
  });
});

test('the digest of what is copied follows content, names and modes, not times and not the rest of the tree', async () => {
  const digest = (tar: Buffer, more: Partial<CopyAction> = {}): Promise<string> =>
    withContext(tar, (context) => contentDigest(context.tree(none), { ...COPY, sources: ['d'], ...more }));
  const base = await digest(archive(folder('d'), file('d/f', 'x'), file('other', '1')));
  const same = async (tar: Buffer, more?: Partial<CopyAction>): Promise<void> =>
    assert.equal(await digest(tar, more), base);
  const differs = async (tar: Buffer, more?: Partial<CopyAction>): Promise<void> =>
    assert.notEqual(await digest(tar, more), base);
  await same(archive(folder('d', { mtimeNs: 5n }), file('d/f', 'x', { mtimeNs: 7n }), file('other', '2')));
  await same(archive(file('other', '2'), folder('d'), file('d/f', 'x', { uid: 9 })));
  await differs(archive(folder('d'), file('d/f', 'y')));
  await differs(archive(folder('d'), file('d/g', 'x')));
  await differs(archive(folder('d'), file('d/f', 'x', { mode: 0o600 })));
  await differs(archive(folder('d'), file('d/f', 'x'), file('d/g', '')));
  await differs(archive(folder('d'), symlink('d/f', 'x')));
  await same(archive(folder('d'), file('d/f', 'x'), file('d/g.log', '')), { excludes: ['*.log'] });
});

test('damaged archives are refused or understood, never crashed on', async () => {
  let seed = 11;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  let refused = 0;
  const end = performance.now() + 700;
  for (let turn = 0; turn < 400 && (turn < 40 || performance.now() < end); turn++) {
    const damaged = Buffer.from(TREE);
    for (let count = 1 + random(6); count > 0; count--) damaged[random(damaged.length)] = random(256);
    try {
      await withContext(damaged.subarray(0, random(4) === 0 ? random(damaged.length) : undefined), async (context) => {
        const tree = context.tree(none);
        for await (const { path } of tree.below(''))
          assert.ok(!/(^|\/)\.\.?(\/|$)/.test(path) && !path.startsWith('/'));
      });
    } catch (error) {
      assert.ok(error instanceof SkiffError && error.kind === 'invalid', `turn ${turn}: ${String(error)}`);
      refused += 1;
    }
  }
  assert.ok(refused > 10);
});
