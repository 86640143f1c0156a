import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Unpacker } from '#linux';
import { type ByteString, byteString, type TarEntry, type TarEntryType, tarEntry } from '#wire';
import { LayerSink } from './layer-sink.ts';

/** Writes down what an unpacker would be told. */
function recorder(): { unpacker: Unpacker; told: string[] } {
  const told: string[] = [];
  const tell = (...words: (string | number | Buffer)[]): number => told.push(words.map(String).join(' ').trim()) - 1;
  const octal = (mode: number): string => mode.toString(8);
  const unpacker: Unpacker = {
    dir: (path, { mode }, how) => void tell('dir', path, octal(mode), how?.keep === true ? 'keep' : ''),
    file: (path, { mode, uid, gid }, size) => void tell('file', path, octal(mode), `${uid}:${gid}`, size),
    data: (bytes) => void tell('data', bytes),
    copy: (offset, length) => void tell('copy', offset, length),
    clone: () => assert.fail('layers are not cloned'),
    hole: (length) => void tell('hole', length),
    end: () => void tell('end'),
    symlink: (path, target) => void tell('symlink', path, target),
    link: (path, existing, how) => tell('link', path, existing, how?.leaveOut === true ? 'leave out' : ''),
    node: (path, { mode }, major, minor, how) =>
      void tell('node', path, octal(mode), `${major}:${minor}`, how?.unlessThere === true ? 'unless there' : ''),
    xattr: (name, value, { optional }) => void tell('xattr', name, value, optional ? 'optional' : 'needed'),
    remove: (path) => void tell('remove', path),
    sync: () => void tell('sync'),
    ready: async () => {},
    finish: async () => [],
    [Symbol.asyncDispose]: async () => {},
  };
  return { unpacker, told };
}

function check(path: string, type: TarEntryType, more: Partial<TarEntry>, expected: string | RegExp): void {
  const { unpacker, told } = recorder();
  const put = (): void => new LayerSink(unpacker, { whiteouts: 'refused' }).entry(tarEntry(path, type, more));
  if (typeof expected === 'string') {
    put();
    assert.equal(told.join(', '), expected, path);
  } else {
    assert.throws(put, { code: 'image.forbiddenEntry', message: expected }, path);
  }
}

const xattrs = (name: string): Partial<TarEntry> => ({
  xattrs: new Map([[byteString(name), Buffer.from('v')]]),
});
const link = (linkPath: string): Partial<TarEntry> => ({ linkPath: byteString(linkPath) });

test('every kind of entry becomes its record', () => {
  check('a/b', 'file', { mode: 0o4755, uid: 1, gid: 2, size: 3 }, 'file a/b 4755 1:2 3');
  check('a/', 'directory', { mode: 0o1777 }, 'dir a 1777');
  check('l', 'symlink', link('../../../etc/passwd'), 'symlink l ../../../etc/passwd');
  check('h', 'hard-link', link('./a/b'), 'link h a/b');
  check('c', 'character-device', { mode: 0o666, devMajor: 1, devMinor: 3 }, 'node c 20666 1:3');
  check('b', 'block-device', { mode: 0o660, devMajor: 8, devMinor: 0 }, 'node b 60660 8:0');
  check('p', 'fifo', { mode: 0o600 }, 'node p 10600 0:0');
});

test('paths are cleaned, the root can only be a folder', () => {
  check('./a//b/./c', 'file', {}, 'file a/b/c 644 0:0 0');
  check('/abs', 'file', {}, 'file abs 644 0:0 0');
  check('a/../b', 'file', {}, 'file b 644 0:0 0');
  check('./', 'directory', {}, 'dir . 755');
  check('/', 'directory', {}, 'dir . 755');
  check('.', 'file', {}, /entry ".": only a folder can be the root/);
});

test('what leads out of the root by its own name is refused', () => {
  check('../x', 'file', {}, /"..\/x" is outside of the root file system/);
  check('a/../../x', 'directory', {}, /outside of the root/);
  check('/../x', 'symlink', link('a'), /outside of the root/);
  check('h', 'hard-link', link('../../etc/shadow'), /entry "h": "..\/..\/etc\/shadow" is outside/);
});

test('marks of the overlay file system are refused', () => {
  check('a/.wh.b', 'file', {}, /mark removed files/);
  check('.wh..wh..opq', 'file', {}, /mark removed files/);
  check('a/x.wh.b', 'file', {}, 'file a/x.wh.b 644 0:0 0');
  check('c', 'character-device', {}, /character device 0:0/);
  check('d', 'directory', xattrs('trusted.overlay.opaque'), /trusted.overlay.opaque is a mark/);
  check('d', 'directory', xattrs('user.overlay.redirect'), /is a mark/);
});

test('extended attributes come before their entry; only capabilities must not be lost', () => {
  check('f', 'file', xattrs('user.a'), 'xattr user.a v optional, file f 644 0:0 0');
  check('f', 'file', xattrs('security.capability'), 'xattr security.capability v needed, file f 644 0:0 0');
  check('h', 'hard-link', { ...link('f'), ...xattrs('user.a') }, 'link h f');
});

test('the size of a layer is the sum of its files, holes included, hard links not', () => {
  const { unpacker, told } = recorder();
  const sink = new LayerSink(unpacker, { whiteouts: 'refused' });
  sink.entry(tarEntry('a', 'file', { size: 5 }));
  sink.data(Buffer.from('abc'), 512);
  sink.hole(2);
  sink.end();
  sink.entry(tarEntry('b', 'file', { size: 7 }));
  sink.entry(tarEntry('h', 'hard-link', { ...link('a'), size: 0 }));
  assert.equal(sink.sizeBytes, 12);
  assert.deepEqual(told.slice(1, 4), ['data abc', 'hole 2', 'end']);
});

test('names keep bytes that are no UTF-8', () => {
  const { unpacker } = recorder();
  const paths: Buffer[] = [];
  const sink = new LayerSink({ ...unpacker, dir: (path) => void paths.push(path) }, { whiteouts: 'refused' });
  sink.entry({ ...tarEntry('x', 'directory'), path: 'd\xff/' as ByteString });
  assert.deepEqual(paths, [Buffer.from([0x64, 0xff])]);
});

/** What a layer's entries become, by name: `/` at the end makes a folder, ` -> ` a symlink, ` => ` a hard link. */
function checkLayer(names: readonly string[], expected: readonly string[], implied: readonly string[] = []): LayerSink {
  const { unpacker, told } = recorder();
  const sink = new LayerSink(unpacker, { whiteouts: 'translated' });
  for (const name of names) {
    const [path, arrow, target] = name.split(/ ([-=]>) /);
    const type = arrow === '->' ? 'symlink' : arrow === '=>' ? 'hard-link' : name.endsWith('/') ? 'directory' : 'file';
    sink.entry(tarEntry(path!, type, arrow === undefined ? {} : link(target!)));
    if (type === 'file') sink.end();
  }
  const opaque = 'xattr trusted.overlay.opaque y needed';
  const short = (line: string): string => (line === opaque ? 'opaque' : line.replace(' 644 0:0 0', ''));
  assert.deepEqual(told.filter((line) => line !== 'end').map(short), expected, names.join(', '));
  assert.deepEqual(sink.impliedFolders, implied, names.join(', '));
  return sink;
}

test('whiteouts become 0:0 devices, or make folders of their name opaque, in any order', () => {
  const whiteout = (path: string): string => `node ${path} 20000 0:0 unless there`;
  checkLayer(['.wh.a'], [whiteout('a')]);
  checkLayer(['d/', 'd/.wh.a'], ['dir d 755', whiteout('d/a')]);
  checkLayer(['d/.wh.a'], [whiteout('d/a')], ['d']);
  checkLayer(['.wh.a', 'a'], [whiteout('a'), 'file a']);
  checkLayer(['a', '.wh.a'], ['file a', whiteout('a')]);
  checkLayer(['.wh.a', 'a/'], [whiteout('a'), 'opaque', 'dir a 755']);
  checkLayer(['a/', '.wh.a'], ['dir a 755', 'opaque', 'dir a 755 keep']);
  checkLayer(['.wh.a', 'a/b'], [whiteout('a'), 'opaque', 'dir a 755', 'file a/b']);
  checkLayer(['a/b', '.wh.a'], ['file a/b', 'opaque', 'dir a 755 keep']);
  checkLayer(['.wh.a', 'a/b', 'a/'], [whiteout('a'), 'opaque', 'dir a 755', 'file a/b', 'opaque', 'dir a 755']);
  checkLayer(['.wh.a', 'a -> b', 'a/c'], [whiteout('a'), 'symlink a b', 'file a/c']);
  checkLayer(['.wh.a', 'a', 'a/'], [whiteout('a'), 'file a', 'opaque', 'dir a 755']);
});

test('an opaque mark hides what is below its folder, before or after it', () => {
  checkLayer(['d/', 'd/.wh..wh..opq'], ['dir d 755', 'opaque', 'dir d 755 keep']);
  checkLayer(['d/.wh..wh..opq', 'd/'], ['opaque', 'dir d 755 keep', 'dir d 755']);
  checkLayer(['d/.wh..wh..opq'], ['opaque', 'dir d 755 keep'], ['d']);
  checkLayer(['d/', 'd/.wh..wh..opq', 'd/a/b'], ['dir d 755', 'opaque', 'dir d 755 keep', 'file d/a/b']);
  checkLayer(['.wh.d', 'd/.wh..wh..opq'], ['node d 20000 0:0 unless there', 'opaque', 'dir d 755']);
  assert.equal(checkLayer(['.wh..wh..opq'], []).hidesBelow, true);
});

test("AUFS's own books are passed over, names that mark nothing are refused", () => {
  checkLayer(['.wh..wh.plnk/', '.wh..wh.plnk/12.34', '.wh..wh.aufs', 'd/.wh..wh.orph/x', 'a'], ['file a']);
  for (const [name, message] of [
    ['.wh.', /marks no name/],
    ['d/.wh...', /marks no name/],
    ['.wh.a/b', /below a name that marks/],
    ['.wh.a/.wh.b', /below a name that marks/],
    ['a => d/.wh.b', /links to "d\/.wh.b", which marks/],
  ] as const) {
    assert.throws(() => checkLayer([name], []), { code: 'image.forbiddenEntry', message }, name);
  }
});

test('folders of which nothing was said are told, but not the root, nor what is behind a symlink', () => {
  checkLayer(['a/b/c', 'a/', 'x/y/z'], ['file a/b/c', 'dir a 755', 'file x/y/z'], ['a/b', 'x', 'x/y']);
  checkLayer(['lib -> usr/lib', 'lib/a'], ['symlink lib usr/lib', 'file lib/a']);
  checkLayer(['a/b', 'a'], ['file a/b', 'file a']);
  assert.equal(checkLayer(['./'], ['dir . 755']).givesRoot, true);
  assert.equal(checkLayer(['a'], ['file a']).givesRoot, false);
});

test('a hard link may lead below, and is known by the number of its record', () => {
  const sink = checkLayer(['a', 'b => lower/file'], ['file a', 'link b lower/file leave out']);
  assert.deepEqual(sink.linkOf(2), { path: 'b', existing: 'lower/file' });
});

test('content is copied by its place in the archive, but not that of a mark', () => {
  const { unpacker, told } = recorder();
  const sink = new LayerSink(unpacker, { whiteouts: 'translated', copies: true });
  for (const [name, size] of [
    ['a', 5],
    ['.wh.b', 5],
  ] as const) {
    sink.entry(tarEntry(name, 'file', { size }));
    sink.data(Buffer.from('abc'), 1536);
    sink.hole(2);
    sink.end();
  }
  assert.deepEqual(told, ['file a 644 0:0 5', 'copy 1536 3', 'hole 2', 'end', 'node b 20000 0:0 unless there']);
  assert.equal(sink.sizeBytes, 5);
});

test('owners are mapped into a user namespace, or refused', () => {
  const { unpacker, told } = recorder();
  const ranges = [{ containerId: 0, hostId: 100_000, size: 10 }];
  const sink = new LayerSink(unpacker, { whiteouts: 'translated', idMap: { uids: ranges, gids: ranges } });
  sink.entry(tarEntry('a', 'file', { uid: 3, gid: 9 }));
  assert.deepEqual(told, ['file a 644 100003:100009 0']);
  assert.throws(() => sink.entry(tarEntry('b', 'file', { gid: 10 })), {
    code: 'image.unmappedOwner',
    message: /group id 10 of the archive/,
  });
});
