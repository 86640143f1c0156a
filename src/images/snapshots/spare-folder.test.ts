import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { SpareFolder } from './spare-folder.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skiff-spare-'));
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => {
  mock.timers.reset();
  rmSync(root, { recursive: true });
});

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

test('the first container finds none, the next ones do', () => {
  const spare = new SpareFolder(root);
  assert.equal(spare.take(`${root}/a`), false);
  assert.equal(existsSync(`${root}/a`), false);
  mock.timers.tick(50);
  assert.equal(spare.take(`${root}/b`), true);
  assert.deepEqual(readdirSync(`${root}/b`).sort(), ['diff', 'work']);
  assert.deepEqual([modeOf(`${root}/b`), modeOf(`${root}/b/diff`), modeOf(`${root}/b/work`)], [0o700, 0o755, 0o700]);
  assert.equal(spare.take(`${root}/c`), false);
});

test('what is in a place stays there, and the spare is kept', () => {
  const spare = new SpareFolder(root);
  spare.take(`${root}/a`);
  mock.timers.tick(50);
  mkdirSync(`${root}/b`);
  writeFileSync(`${root}/b/kept`, '');
  assert.equal(spare.take(`${root}/b`), false);
  assert.deepEqual(readdirSync(`${root}/b`), ['kept']);
  assert.equal(spare.take(`${root}/c`), true);
});

test('one that has vanished, or cannot be made, is none', () => {
  const spare = new SpareFolder(root);
  spare.take(`${root}/a`);
  mock.timers.tick(50);
  rmSync(`${root}/.spare`, { recursive: true });
  assert.equal(spare.take(`${root}/b`), false);
  writeFileSync(`${root}/.spare`, 'in the way');
  mock.timers.tick(50);
  assert.equal(spare.take(`${root}/c`), false);
});

test('what an earlier daemon left goes, and is no container', () => {
  mkdirSync(`${root}/.spare/diff/x`, { recursive: true });
  new SpareFolder(root);
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(['.spare', 'abc'].filter(SpareFolder.isOther), ['abc']);
});
