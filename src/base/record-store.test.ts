import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { memoryRecordStores, openRecordStores, type RecordStores } from './record-store.ts';

interface Box {
  readonly name: string;
}

/** What any record store has to do. */
function contract(title: string, open: () => RecordStores): void {
  test(`${title}: puts, gets, lists in order of the first put, deletes`, () => {
    const stores = open();
    const boxes = stores.of<Box>('box');
    for (const name of ['b', 'a', 'c']) boxes.put(name, { name });
    boxes.put('b', { name: 'again' });
    assert.deepEqual(boxes.list(), [{ name: 'again' }, { name: 'a' }, { name: 'c' }]);
    boxes.delete('a');
    boxes.delete('never there');
    assert.equal(boxes.get('a'), undefined);
    assert.deepEqual(stores.of('other').list(), []);
    stores.close();
  });

  test(`${title}: a batch that fails changes nothing`, () => {
    const stores = open();
    const boxes = stores.of<Box>('box');
    boxes.put('old', { name: 'old' });
    const fail = (): void => {
      boxes.put('old', { name: 'new' });
      boxes.put('more', { name: 'more' });
      throw new Error('no');
    };
    assert.throws(() => stores.atomically(fail), /no/);
    assert.throws(() => stores.durably(fail), /no/);
    assert.deepEqual(boxes.list(), [{ name: 'old' }]);
    stores.close();
  });
}

contract('in memory', memoryRecordStores);
const folder = mkdtempSync(`${tmpdir()}/skiff-records-`);
process.once('exit', () => rmSync(folder, { recursive: true }));
let files = 0;
contract('on disk', () => openRecordStores(`${folder}/${files++}/records.db`));

test('on disk: what is kept of what was read is what is there, after a batch that failed too', () => {
  const stores = openRecordStores(`${folder}/read.db`);
  const boxes = stores.of<Box>('box', { keepsRead: true });
  boxes.put('a', { name: 'a' });
  assert.equal(boxes.get('a'), boxes.get('a'));
  boxes.put('a', { name: 'b' });
  assert.deepEqual(boxes.get('a'), { name: 'b' });
  const fail = (): void => {
    boxes.put('a', { name: 'c' });
    boxes.put('new', { name: 'new' });
    assert.deepEqual([boxes.get('a'), boxes.get('new')], [{ name: 'c' }, { name: 'new' }]);
    throw new Error('no');
  };
  assert.throws(() => stores.atomically(fail), /no/);
  assert.deepEqual([boxes.get('a'), boxes.get('new')], [{ name: 'b' }, undefined]);
  boxes.delete('a');
  assert.equal(boxes.get('a'), undefined);
  stores.close();
});

test('on disk: another opening sees what was put', () => {
  const path = `${folder}/kept.db`;
  const first = openRecordStores(path);
  first.of<Box>('box').put('a', { name: 'a' });
  first.close();
  const second = openRecordStores(path);
  assert.deepEqual(second.of<Box>('box').get('a'), { name: 'a' });
  second.close();
});

test('on disk: a full disk is said as such, in a batch that SQLite ended itself too', () => {
  const path = `${folder}/full.db`;
  openRecordStores(path).close();
  const limited = openRecordStores(path, { maxPages: 12 });
  const boxes = limited.of<Box>('box');
  const fill = (): void => {
    for (;;) boxes.put(String(Math.random()), { name: 'x'.repeat(2000) });
  };
  const expected = { code: 'records.noSpace', message: `no space left to write ${path}: make room and try again` };
  assert.throws(() => limited.atomically(fill), expected);
  assert.deepEqual(boxes.list(), []);
  assert.throws(fill, expected);
  assert.notEqual(boxes.list().length, 0);
  limited.close();
});

test('on disk: room is reserved again after a kill in the middle of it', () => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-records-`);
  try {
    const stores = openRecordStores(`${folder}/r.db`);
    stores.of<Box>('room').put('', { name: 'left by a killed daemon' });
    stores.reserveRoom();
    stores.reserveRoom();
    assert.deepEqual(stores.of('room').list(), []);
    stores.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
