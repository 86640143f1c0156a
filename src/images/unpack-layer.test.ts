import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Unpacker } from '#linux';
import { type ByteString, byteString, type TarEntry, type TarEntryType, tarEntry } from '#wire';
import { LayerSink } from './unpack-layer.ts';

/** Writes down what an unpacker would be told. */
function recorder(): { unpacker: Unpacker; told: string[] } {
  const told: string[] = [];
  const tell = (...words: (string | number | Buffer)[]): void => void told.push(words.map(String).join(' '));
  const octal = (mode: number): string => mode.toString(8);
  const unpacker: Unpacker = {
    dir: (path, { mode }) => tell('dir', path, octal(mode)),
    file: (path, { mode, uid, gid }, size) => tell('file', path, octal(mode), `${uid}:${gid}`, size),
    data: (bytes) => tell('data', bytes),
    hole: (length) => tell('hole', length),
    end: () => tell('end'),
    symlink: (path, target) => tell('symlink', path, target),
    link: (path, existing) => tell('link', path, existing),
    node: (path, { mode }, major, minor) => tell('node', path, octal(mode), `${major}:${minor}`),
    xattr: (name, value, { optional }) => tell('xattr', name, value, optional ? 'optional' : 'needed'),
    remove: (path) => tell('remove', path),
    ready: async () => {},
    finish: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  return { unpacker, told };
}

function check(path: string, type: TarEntryType, more: Partial<TarEntry>, expected: string | RegExp): void {
  const { unpacker, told } = recorder();
  const put = (): void => new LayerSink(unpacker).entry(tarEntry(path, type, more));
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
  const sink = new LayerSink(unpacker);
  sink.entry(tarEntry('a', 'file', { size: 5 }));
  sink.data(Buffer.from('abc'));
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
  const sink = new LayerSink({ ...unpacker, dir: (path) => void paths.push(path) });
  sink.entry({ ...tarEntry('x', 'directory'), path: 'd\xff/' as ByteString });
  assert.deepEqual(paths, [Buffer.from([0x64, 0xff])]);
});
