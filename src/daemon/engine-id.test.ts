import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { engineId } from './engine-id.ts';

test('a data folder keeps its id, and another has another', (context) => {
  const [one, two] = [mkdtempSync(`${tmpdir()}/skiff-id-`), mkdtempSync(`${tmpdir()}/skiff-id-`)];
  context.after(() => [one, two].forEach((folder) => rmSync(folder, { recursive: true })));
  const id = engineId(one);
  assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(engineId(one), id);
  assert.notEqual(engineId(two), id);
  // A file that a power cut emptied is made anew.
  writeFileSync(`${one}/engine-id`, '');
  assert.equal(engineId(one), engineId(one));
});
