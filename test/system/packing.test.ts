/** Folders on a real kernel, back to archives: packed, completed, compared. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { helperPath, openTreeReader, readHostFacts } from '#linux';
import { byteString, encodeTarEntry, type TarEntry, tarEntry } from '#wire';
import { changesOf } from '../../src/images/layers/changes.ts';
import { packLayer, packRoot } from '../../src/images/layers/pack-layer.ts';
import { needsSettling, settleLayer } from '../../src/images/layers/settle-layer.ts';
import { archive, file, folder, MTIME } from '../support/archives.ts';
import { world } from '../support/layer-world.ts';
import { missing } from '../support/needs.ts';

const options = { skip: missing('root') };
const facts = readHostFacts();

/** cap_net_raw+ep, version 2 (linux/capability.h). */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const to = (path: string): Partial<TarEntry> => ({ linkPath: byteString(path), mtimeNs: MTIME });

/** What is in a tree as GNU tar sees it, hard links included. */
function seenByTar(root: string): string {
  const args = [
    '--numeric-owner',
    '--sort=name',
    '--xattrs',
    '--xattrs-include=*',
    '--full-time',
    '-C',
    root,
    '-cf',
    '-',
    '.',
  ];
  const archived = execFileSync('tar', args, { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
  const listing = execFileSync('tar', ['--xattrs', '--numeric-owner', '--full-time', '-tvvf', '-'], {
    input: archived,
  });
  return listing.toString().replace(/^d.* \.\/$/m, '');
}

test('a packed layer unpacks to the same folder, and packs to the same bytes', options, async (context) => {
  await using w = world(context);
  const everything = archive(
    folder('d/', { mode: 0o1777, uid: 70_000, gid: 3_000_000_000 }),
    file('d/setuid', 'x', { mode: 0o4755, uid: 5 }),
    file('d/capable', 'x', { xattrs: new Map([[byteString('security.capability'), CAPABILITY]]) }),
    file('d/noted', 'x', { xattrs: new Map([[byteString('user.note'), Buffer.from([0, 10, 61, 255])]]) }),
    encodeTarEntry(tarEntry('d/linked', 'hard-link', to('d/setuid'))),
    encodeTarEntry(tarEntry('d/symlink', 'symlink', { ...to('/etc/passwd'), uid: 7 })),
    encodeTarEntry(tarEntry('d/fifo', 'fifo', { mode: 0o600, mtimeNs: MTIME })),
    encodeTarEntry(tarEntry('d/null', 'character-device', { mode: 0o666, devMajor: 1, devMinor: 3, mtimeNs: MTIME })),
    folder('opaque/'),
    file('opaque/.wh..wh..opq', ''),
    file('opaque/new', 'new'),
    file('.wh.gone', '', { mtimeNs: MTIME }),
    file(`d/${'long'.repeat(60)}`, 'long'),
    file('d/\u00fcml\u00e4ut \n', 'named'),
    file('large', Buffer.alloc(3_000_001, 'large')),
  );
  const first = await w.put(everything);
  const packed = await Array.fromAsync(packLayer({ folder: first.root, facts })).then(Buffer.concat);
  const second = await w.put(packed);
  assert.equal(seenByTar(second.root), seenByTar(first.root));
  const again = await Array.fromAsync(packLayer({ folder: second.root, facts })).then(Buffer.concat);
  assert.ok(again.equals(packed), 'packing is canonical');
  assert.equal(createHash('sha256').update(packed).digest('hex'), second.layer.diffId.slice(7));
  const names = execFileSync('tar', ['-tf', '-'], { input: packed, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(names.slice(-5), ['.wh.gone', 'large', 'opaque/', 'opaque/.wh..wh..opq', 'opaque/new'].toSorted());
  const gnu = `${w.folder}/gnu`;
  mkdirSync(gnu);
  execFileSync('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', gnu, '-xpf', '-'], { input: packed });
  assert.equal(readFileSync(`${gnu}/d/linked`, 'utf8'), 'x');
  assert.equal(statSync(`${gnu}/d/linked`).mode & 0o7777, 0o4755);
});

test('a root is packed as the stack shows it, and is the same again when it is unpacked', options, async (context) => {
  await using w = world(context);
  const lower = await w.put(archive(folder('d/'), file('d/old', 'old'), file('gone', ''), file('a', 'lower')));
  const upper = await w.put(
    archive(file('.wh.gone', ''), file('d/.wh..wh..opq', ''), file('d/new', 'n'), file('a', 'up')),
  );
  const root = { folders: [upper.root, lower.root], facts };
  const packed = await Array.fromAsync(packRoot(root)).then(Buffer.concat);
  const names = execFileSync('tar', ['-tf', '-'], { input: packed, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(names, ['a', 'd/', 'd/new']);
  const merged = await w.put(packed);
  assert.equal(readFileSync(`${merged.root}/a`, 'utf8'), 'up');
  const single = await Array.fromAsync(packRoot({ folders: [merged.root], facts })).then(Buffer.concat);
  assert.ok(single.equals(packed));
});

test('a layer that relies on those below is completed from them', options, async (context) => {
  await using w = world(context);
  const note = { xattrs: new Map([[byteString('user.note'), Buffer.from('below')]]) };
  const lower = await w.put(
    archive(
      folder('d/', { mode: 0o1777, uid: 7, ...note }),
      folder('d/e/', { mode: 0o700, gid: 8 }),
      file('d/program', 'content', { mode: 0o4711, uid: 9, ...note }),
      encodeTarEntry(tarEntry('d/symlink', 'symlink', to('program'))),
    ),
  );
  const links = ['program', 'again', 'symlink'].map((name) => {
    const existing = name === 'symlink' ? 'd/symlink' : 'd/program';
    return encodeTarEntry(tarEntry(`own/${name}`, 'hard-link', to(existing)));
  });
  const upper = await w.put(archive(file('d/e/new', 'new'), folder('own/'), ...links));
  assert.deepEqual(upper.layer.impliedFolders, ['d', 'd/e']);
  assert.ok(needsSettling(upper.layer));
  const where = { folder: upper.root, facts, helperProgram: helperPath() };
  await settleLayer({ ...where, lowers: [lower.root] }, upper.layer);
  const attributes = (path: string): string => {
    const { mode, uid, gid, mtimeNs } = statSync(path, { bigint: true });
    return `${mode.toString(8)} ${uid}:${gid} ${mtimeNs}`;
  };
  for (const path of ['d', 'd/e'])
    assert.equal(attributes(`${upper.root}/${path}`), attributes(`${lower.root}/${path}`));
  assert.equal(attributes(`${upper.root}/own/program`), attributes(`${lower.root}/d/program`));
  assert.equal(statSync(`${upper.root}/own`, { bigint: true }).mtimeNs, MTIME);
  assert.equal(readFileSync(`${upper.root}/own/again`, 'utf8'), 'content');
  assert.equal(statSync(`${upper.root}/own/again`).ino, statSync(`${upper.root}/own/program`).ino);
  assert.equal(readlinkSync(`${upper.root}/own/symlink`), 'program');
  await using tree = openTreeReader({ folder: upper.root });
  for (const path of ['d', 'own/program']) {
    const entry = await tree.stat(Buffer.from(path));
    assert.deepEqual(entry?.xattrs.map(String), ['user.note,below']);
  }
  assert.equal(await tree.stat(Buffer.from('own/symlink/program')), undefined);
  const dangling = await w.put(archive(encodeTarEntry(tarEntry('a', 'hard-link', to('none')))));
  for (const lowers of [[], [lower.root]]) {
    await assert.rejects(settleLayer({ ...where, folder: dangling.root, lowers }, dangling.layer), {
      code: 'image.danglingLink',
      message: /"a": the file it links to, "none"/,
    });
  }
});

test('changes are told as a container has made them', options, async (context) => {
  await using w = world(context);
  const lower = await w.put(
    archive(
      ...['d/', 'd/old', 'e/', 'e/f', 'kept', 'changed', 'gone', 'gone-too', 'touched/'].map((name) =>
        name.endsWith('/') ? folder(name) : file(name, 'lower'),
      ),
    ),
  );
  const upper = `${w.folder}/upper`;
  const script = `
    mkdir "$2" "$2.work" "$2.mnt"; mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work" "$2.mnt"; cd "$2.mnt"
    echo x >> changed; rm gone gone-too; rm -r d; mkdir d; echo > d/new; chmod 700 e; touch touched; mkdir -p n/m; chmod 644 kept`;
  execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', lower.root, upper]);
  const found = await changesOf({ folders: [upper, lower.root], lowers: [lower.root], facts });
  assert.deepEqual(
    found.map(({ kind, path }) => `${kind} ${path}`),
    [
      'modified /changed',
      'modified /d',
      'added /d/new',
      'deleted /d/old',
      'modified /e',
      'deleted /gone',
      'deleted /gone-too',
      'added /n',
      'added /n/m',
    ],
  );
});

test('whiteouts, which the kernel makes one file, are packed as the marks they are', options, async (context) => {
  await using w = world(context);
  const lower = await w.put(archive(file('a', ''), file('b', ''), folder('d/'), file('d/c', '')));
  const upper = `${w.folder}/upper`;
  const script = `
    mkdir "$2" "$2.work" "$2.mnt"; mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work" "$2.mnt"
    cd "$2.mnt"; rm a b d/c; echo x > x; ln x y`;
  execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', lower.root, upper]);
  assert.ok(lstatSync(`${upper}/a`).nlink > 1, 'the kernel shares whiteouts');
  const packed = Buffer.concat(await Array.fromAsync(packLayer({ folder: upper, facts })));
  const listed = execFileSync('tar', ['-tvf', '-'], { input: packed, encoding: 'utf8' });
  const short = listed
    .trim()
    .split('\n')
    .map((line) => line.replace(/^(.).*:\d\d /, '$1 '));
  assert.deepEqual(short, ['- .wh.a', '- .wh.b', 'd d/', '- d/.wh.c', '- x', 'h y link to x']);
});

test('a sparse file of a gibibyte stays sparse, is read whole, and takes no memory', options, async (context) => {
  await using w = world(context);
  const source = `${w.folder}/source`;
  mkdirSync(source);
  execFileSync(
    'sh',
    ['-c', 'truncate -s 1G sparse; printf mid | dd of=sparse bs=1 seek=500000000 conv=notrunc status=none'],
    { cwd: source },
  );
  const sparse = await w.put(execFileSync('tar', ['-S', '-C', source, '-cf', '-', 'sparse'], { maxBuffer: 1 << 26 }));
  const { size, blocks } = statSync(`${sparse.root}/sparse`);
  assert.ok(size === 2 ** 30 && blocks < 1000, `${size} bytes in ${blocks} blocks`);
  let bytes = 0;
  let text = '';
  for await (const chunk of packLayer({ folder: sparse.root, facts })) {
    const at = chunk.indexOf('mid');
    if (at >= 0) text = chunk.subarray(at, at + 3).toString();
    bytes += chunk.length;
  }
  assert.equal(text, 'mid');
  assert.ok(bytes >= 2 ** 30 + 3 * 512 && bytes <= 2 ** 30 + 6 * 512, `${bytes} bytes`);
});
