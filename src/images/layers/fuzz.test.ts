import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import type { Unpacker } from '#linux';
import { byteString, encodeTarEntry, TAR_END, type TarEntryType, TarReader, tarEntry } from '#wire';
import { LayerSink, type LayerSinkOptions } from './layer-sink.ts';

/** Numbers that look random and are the same every time (xorshift32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const NAMES = ['a', 'b', '.wh.a', '.wh.b', '.wh..wh..opq', '.wh.', '..', '.', '', '.wh..wh.plnk', 'a.wh.b'];
const TYPES: readonly TarEntryType[] = ['file', 'directory', 'symlink', 'hard-link', 'fifo', 'character-device'];

/** Checks what the native helper relies on, and what would make a layer dangerous. */
function watched(): { unpacker: Unpacker; finish: () => void } {
  let isInFile = false;
  let hasXattrs = false;
  let left = 0;
  const path = (bytes: Buffer): void => {
    assert.ok(!isInFile, 'a record inside a file');
    const names = bytes.toString('latin1').split('/');
    const isRoot = names.length === 1 && names[0] === '.';
    assert.ok(isRoot || !names.some((name) => ['', '.', '..'].includes(name)), `path ${bytes.toString()}`);
    assert.ok(!names.some((name) => name.startsWith('.wh.')), `a mark as a name: ${bytes.toString()}`);
  };
  const take = (length: number): void => {
    assert.ok(isInFile && length <= left);
    left -= length;
  };
  const takesNoXattrs = (): void => assert.ok(!hasXattrs, 'attributes before a record that takes none');
  const entry = (bytes: Buffer): void => {
    path(bytes);
    hasXattrs = false;
  };
  const unpacker: Unpacker = {
    dir: entry,
    file: (bytes, _, size) => {
      entry(bytes);
      isInFile = true;
      left = size;
    },
    data: (bytes) => take(bytes.length),
    copy: (_, length) => take(length),
    clone: () => assert.fail('layers are not cloned'),
    hole: take,
    end: () => {
      assert.equal(left, 0);
      isInFile = false;
    },
    symlink: entry,
    link: (bytes, existing) => {
      takesNoXattrs();
      path(bytes);
      path(existing);
      return 0;
    },
    node: (bytes, { mode }, major, minor, how) => {
      entry(bytes);
      const isWhiteout = mode === 0o020000 && major === 0 && minor === 0;
      assert.equal(isWhiteout, how?.unlessThere === true, 'only whiteouts give way');
    },
    xattr: () => {
      assert.ok(!isInFile);
      hasXattrs = true;
    },
    remove: () => assert.fail('an archive removes nothing by itself'),
    sync: takesNoXattrs,
    ready: async () => {},
    finish: async () => [],
    [Symbol.asyncDispose]: async () => {},
  };
  return { unpacker, finish: () => assert.ok(!isInFile && !hasXattrs) };
}

function archiveOf(random: (below: number) => number): Buffer {
  const parts: Buffer[] = [];
  for (let count = 1 + random(12); count > 0; count -= 1) {
    const path = Array.from({ length: 1 + random(4) }, () => NAMES[random(NAMES.length)]!).join('/');
    const type = TYPES[random(TYPES.length)]!;
    const linkPath = byteString(type.endsWith('link') ? NAMES[random(NAMES.length)] || 'x' : '');
    const numbers = { devMajor: random(2), devMinor: random(2), uid: random(3) };
    const xattrs = new Map(random(4) === 0 ? [[byteString('user.a'), Buffer.from('v')]] : []);
    const size = type === 'file' && random(2) === 0 ? 512 : 0;
    parts.push(encodeTarEntry(tarEntry(path || 'x', type, { linkPath, size, xattrs, ...numbers })));
    if (size > 0) parts.push(Buffer.alloc(size, 'c'));
  }
  return Buffer.concat([...parts, TAR_END]);
}

test('whatever an archive says, the helper is told only what is inside the root and well-formed', () => {
  const until = performance.now() + 1000;
  const forms = [
    { whiteouts: 'translated' },
    { whiteouts: 'translated', copies: true },
    { whiteouts: 'refused' },
  ] as const;
  let accepted = 0;
  let refused = 0;
  // So many at least, however busy the machine is.
  for (let seed = 1; seed <= 2000 || (performance.now() < until && seed <= 30_000); seed += 1) {
    const random = generator(seed * 2_654_435_761);
    const archive = archiveOf(random);
    const options: LayerSinkOptions = forms[random(forms.length)]!;
    const { unpacker, finish } = watched();
    const sink = new LayerSink(unpacker, options);
    try {
      const reader = new TarReader(sink);
      const pieceBytes = 1 + random(3000);
      for (let at = 0; at < archive.length; at += pieceBytes) reader.push(archive.subarray(at, at + pieceBytes));
      reader.end();
      finish();
      accepted += 1;
    } catch (error) {
      assert.ok(error instanceof SkiffError && error.kind === 'invalid', `seed ${seed}: ${String(error)}`);
      refused += 1;
    }
    for (const path of sink.impliedFolders)
      assert.ok(!/(^|\/)(\.\.?)?(\/|$)/.test(path), `seed ${seed}: implied ${path}`);
  }
  assert.ok(accepted > 100 && refused > 100, `${accepted} accepted, ${refused} refused`);
});
