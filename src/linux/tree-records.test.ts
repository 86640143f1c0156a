import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BytesWriter, SkiffError } from '#base';
import {
  PACK_CONTENT,
  PACK_SKIP_KERNEL,
  packRecord,
  packRequest,
  type TreeRecord,
  TreeRecordSplitter,
} from './tree-records.ts';

function record(kind: number, write: (writer: BytesWriter) => unknown = () => {}): Buffer {
  const writer = new BytesWriter(64).u16(kind).u16(0).u32(0);
  write(writer);
  writer.patchU32(4, writer.length - 8);
  return Buffer.from(writer.done());
}

const writeEntry = (writer: BytesWriter, path: string): BytesWriter => {
  writer.bytes(path).u32(0o100644).u32(1).u32(2).u64(5).u64(-1n).u32(999_999_999).u32(0).u32(0).bytes('');
  return writer.u32(1).bytes('user.a').bytes('value');
};

const STREAM = Buffer.concat([
  record(packRecord.entry, (writer) => writeEntry(writer, 'a')),
  record(packRecord.data, (writer) => writer.raw(Buffer.from('abc'))),
  record(packRecord.hole, (writer) => writer.u64(2)),
  record(packRecord.end),
  record(packRecord.link, (writer) => writeEntry(writer.bytes('a'), 'b')),
  record(packRecord.missing),
  record(packRecord.done, (writer) => writer.u32(2).bytes('what')),
]);

/** With the pieces of content joined again. */
function read(stream: Buffer, pieceBytes: number): TreeRecord[] {
  const splitter = new TreeRecordSplitter();
  const found: TreeRecord[] = [];
  for (let at = 0; at < stream.length; at += pieceBytes) {
    for (const each of splitter.push(stream.subarray(at, at + pieceBytes))) {
      const last = found.at(-1);
      if (each.type !== 'data' || last?.type !== 'data') found.push(each);
      else found[found.length - 1] = { type: 'data', bytes: Buffer.concat([last.bytes, each.bytes]) };
    }
  }
  return found;
}

test('records and requests have the numbers of the native helper', () => {
  const header = readFileSync(new URL('../../native/src/protocol.h', import.meta.url), 'utf8');
  const numbers = [...header.matchAll(/\bPACK_(\w+) =? ?(\d+)/g)];
  const native = Object.fromEntries(numbers.map(([, name, number]) => [name!.toLowerCase(), Number(number)]));
  assert.deepEqual({ ...packRecord, ...packRequest, content: PACK_CONTENT, skip_kernel: PACK_SKIP_KERNEL }, native);
});

test('records are read in pieces of any size', () => {
  const attributes = { mode: 0o100644, uid: 1, gid: 2, size: 5, mtimeNs: -1n, devMajor: 0, devMinor: 0 };
  const xattrs = [[Buffer.from('user.a'), Buffer.from('value')]];
  const entry = (path: string): object => ({ path: Buffer.from(path), ...attributes, target: Buffer.alloc(0), xattrs });
  for (const pieceBytes of [1, 7, STREAM.length]) {
    assert.deepEqual(read(STREAM, pieceBytes), [
      { type: 'entry', entry: entry('a') },
      { type: 'data', bytes: Buffer.from('abc') },
      { type: 'hole', length: 2 },
      { type: 'end' },
      { type: 'link', existing: Buffer.from('a'), entry: entry('b') },
      { type: 'missing' },
      { type: 'done', errno: 2, detail: 'what' },
    ]);
  }
});

test('what is no record is refused', () => {
  const check = (bytes: Buffer, code: string): void => assert.throws(() => read(bytes, bytes.length), { code });
  check(record(99), 'tree.badRecord');
  check(
    record(packRecord.end, (writer) => writer.u8(0)),
    'tree.badRecord',
  );
  check(
    record(packRecord.hole, (writer) => writer.u64(2n ** 63n)),
    'tree.badRecord',
  );
  check(
    record(packRecord.hole, (writer) => writer.u32(0)),
    'bytes.short',
  );
  check(Buffer.from('0100000000000080', 'hex'), 'tree.badRecord');
});

test('damaged streams give records or a refusal, and nothing else', () => {
  const until = performance.now() + 500;
  let refused = 0;
  let accepted = 0;
  for (let seed = 1; performance.now() < until && seed < 50_000; seed += 1) {
    const damaged = Buffer.from(STREAM);
    for (let turn = 0, state = seed * 2_654_435_761; turn < 3; turn += 1) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      damaged[state % damaged.length] = (state >>> 8) & 0xff;
    }
    try {
      read(damaged, 1 + (seed % 50));
      accepted += 1;
    } catch (error) {
      assert.ok(error instanceof SkiffError, `seed ${seed}: ${String(error)}`);
      refused += 1;
    }
  }
  assert.ok(refused > 50 && accepted > 50, `${refused} refused, ${accepted} read`);
});
