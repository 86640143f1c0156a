import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { cutTimes } from './cut-times.ts';

test('later times are cut, of folders and links as well; earlier ones, and what links lead to, stay', async () => {
  const folder = mkdtempSync('/tmp/skiff-times-');
  try {
    mkdirSync(`${folder}/tree/d`, { recursive: true });
    writeFileSync(`${folder}/outside`, '');
    for (const name of ['late', 'early', 'd/deep']) writeFileSync(`${folder}/tree/${name}`, '');
    symlinkSync('../outside', `${folder}/tree/link`);
    utimesSync(`${folder}/tree/early`, 50, 50);
    await cutTimes(`${folder}/tree`, 100);
    const seconds = (name: string): number => lstatSync(`${folder}/${name}`).mtimeMs / 1000;
    for (const name of ['tree', 'tree/late', 'tree/d', 'tree/d/deep', 'tree/link'])
      assert.equal(seconds(name), 100, name);
    assert.equal(seconds('tree/early'), 50);
    assert.ok(seconds('outside') > 100);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
